"""The message catalogues: read the sources, bring the .po files up to date, compile them, check them.

Russian is the source language; ``ru`` holds only the three plural forms, ``en`` everything.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "callcab" / "translations"
LANGUAGES = ("en", "ru")
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "_n": (1, 2),
}
SOURCES = (
    (ROOT / "callcab", [("**.py", "python")]),
    (ROOT / "templates", [("**.html", "jinja2"), ("**.txt", "jinja2")]),
)
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
CYRILLIC = re.compile("[А-Яа-яЁё]")
# What stays Russian in English too: quoted product words and law.
ALLOWED_RUSSIAN = re.compile("«[^»]*»")


def extract() -> Catalog:
    """All messages of the sources, without places (a moved line must not change the catalogue)."""
    found = Catalog(charset="utf-8")
    for folder, methods in SOURCES:
        options = {"**.html": {"silent": "false"}, "**.txt": {"silent": "false"}}
        for _name, _line, text, _notes, _context in extract_from_dir(
            folder, method_map=methods, options_map=options, keywords=KEYWORDS
        ):
            found.add(text)
    return found


def po_path(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "callcab.po"


def load(language: str) -> Catalog:
    """The committed catalogue; an empty one when there is none yet."""
    path = po_path(language)
    found = Catalog(locale=language, charset="utf-8")
    if path.exists():
        with path.open("rb") as stream:
            found = read_po(stream, locale=language)
    # The header would carry the day of compiling; without it the same texts give the same bytes.
    found.project, found.version = "callcab", ""
    found.creation_date = found.revision_date = UNDATED
    return found


def compiled(catalogue: Catalog) -> bytes:
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def update() -> None:
    """Bring the .po files up to date with the sources and compile them; new messages come without translation."""
    for language in LANGUAGES:
        catalogue = load(language)
        # A template of its own: the messages become the catalogue's, and the next language must not inherit them.
        catalogue.update(extract(), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            write_po(stream, catalogue, width=0, sort_output=True, no_location=True, omit_header=True)
        path.with_suffix(".mo").write_bytes(compiled(load(language)))


def problems() -> Iterator[str]:
    """What is missing or wrong, a sentence each; nothing when the catalogues are whole."""
    messages = [message for message in extract() if message.id]
    for language in LANGUAGES:
        catalogue = load(language)
        for message in messages:
            yield from _message_problems(language, message, catalogue.get(message.id))
        path = po_path(language).with_suffix(".mo")
        if not path.exists() or path.read_bytes() != compiled(catalogue):
            yield f"{language}: the compiled catalogue is stale; run `./run catalogue`"


def _name(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, tuple | list) else message.id)


def _message_problems(language: str, source: Message, known: Message | None) -> Iterator[str]:
    if language == "ru" and not source.pluralizable:
        if known and known.string:
            yield f"ru: «{_name(source)}» is the source text and takes no translation"
        return
    texts = known.string if known and isinstance(known.string, tuple) else ((known.string,) if known else ())
    name = _name(source)
    if not texts or not all(texts):
        yield f"{language}: «{name}» has no translation"
        return
    wanted = set(PLACEHOLDER.findall(str(name)))
    for text in texts:
        if not set(PLACEHOLDER.findall(text)) <= wanted | {"num"}:
            yield f"{language}: «{name}» has other placeholders in its translation"
        if language == "en" and CYRILLIC.search(ALLOWED_RUSSIAN.sub("", text)):
            yield f"en: «{name}» is still Russian"


@click.command()
@click.option("--check", is_flag=True, help="Only say what is missing; exit code 1 if anything is.")
def catalogue(check: bool) -> None:
    """Bring the message catalogues up to date (for developers)."""
    if not check:
        update()
    found = list(problems())
    for problem in found:
        click.echo(problem, err=True)
    if found:
        raise click.ClickException(f"{len(found)} problems in the catalogues.")
