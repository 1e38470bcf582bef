"""Letters in the reader's language: one text per letter under templates/email/, the HTML part is made from it."""

from typing import Any

from flask import current_app, render_template
from flask_babel import force_locale

from callcab.config import Settings
from callcab.db import CabSession
from callcab.services import mail
from callcab.web.language import lazy_gettext as _l

SUBJECTS = {
    "stranger_address": _l("Вход с незнакомого адреса"),
    "password_reset": _l("Новый пароль для входа в callcab"),
    "password_changed": _l("Пароль изменён"),
    "invite": _l("Приглашение в личный кабинет callcab"),
}


def post(
    session: CabSession,
    kind: str,
    *,
    recipient: str,
    language: str,
    customer_id: int | None,
    link: str = "",
    secret: bool = False,
    **values: Any,
) -> None:
    """Write the letter ``kind`` and hand it to the outbox; it leaves after the commit.

    link     path of a page of ours; the letter shows it as an address built from the settings alone (AC-31)
    secret   the text is blanked once sent
    """
    with force_locale(language):
        url = site_url(link) if link else ""
        text = render_template(f"email/{kind}.txt", link=url, **values).strip() + "\n"
        subject = str(SUBJECTS[kind])
        html = render_template(
            "email/letter.html", subject=subject, paragraphs=text.strip().split("\n\n"), link=url, language=language
        )
    mail.send(
        session,
        kind=kind,
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        customer_id=customer_id,
        secret=secret,
    )


def site_url(path: str) -> str:
    """The full address of a page; never from the request's Host header."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.base_url.rstrip("/") + path
