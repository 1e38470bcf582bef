"""What processes need before their first work: all of it imported, database, queue, files and mail named."""

from sqlalchemy import orm

import callcab.models  # noqa: F401  (every table is known before the first query)
from callcab import db, queue
from callcab.config import Settings
from callcab.jobs import registry
from callcab.jobs.transport import RqSender
from callcab.lib.storage import LocalStorage
from callcab.providers import company, mail, speech, telephony
from callcab.services import company as payers
from callcab.services import mail as letters
from callcab.services import operation, stored_file
from callcab.services.campaign import listening, pace
from callcab.services.verification import limits
from callcab.web import texts

_texts: dict[str, object] = {}
_site = ""


def prepare(settings: Settings) -> None:
    """Import everything that a job or a page may need, and connect."""
    operation.names()
    _texts.update(texts.load())
    connect(settings)
    # Else each child does it again, with its first query: a seventh of a second before the first job.
    orm.configure_mappers()


def connect(settings: Settings) -> None:
    """Connect this process to what the settings name, and know the jobs that it may send; nothing is opened before it
    is used. Enough for one that neither does jobs nor speaks to people: the rest of the product takes 15 MB."""
    global _site
    _site = settings.base_url.rstrip("/")
    registry.load()
    db.connect(str(settings.database_url), pool_size=settings.database_pool)
    queue.set_sender(RqSender(str(settings.redis_url)))
    stored_file.use(LocalStorage(settings.storage_dir))
    telephony.connect(settings)
    directory = settings.company_directory
    payers.use(company.make(dadata_token=settings.dadata_token, directory=directory, data_dir=settings.data_dir))
    limits.allow_in_all(settings.verification_calls_per_day)
    pace.allow_in_all(per_second=settings.calls_per_second, lines=settings.campaign_lines)
    listening.use(speech.make(settings.speech))
    letters.use(mail.make(settings.smtp_url), sender=settings.mail_from)


def address(path: str) -> str:
    """The full address of a page of ours, for letters; the path alone before ``prepare``."""
    return _site + path


def word(code: str) -> str:
    """The Russian word or sentence of a code; the code itself when there is none."""
    if not _texts:
        _texts.update(texts.load())
    return str(_texts.get(code, code))
