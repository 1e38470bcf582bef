"""Bank statements in the 1CClientBankExchange format, kl_to_1c.txt (rules S1-S8).

A statement is taken whole or not at all: half a file would post half of the money.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

MAGIC = "1CClientBankExchange"
END = "КонецФайла"
# Words by which a wrong decoding is recognised: at least one stands in every file.
LANDMARKS = ("КонецФайла", "ВерсияФормата", "СекцияДокумент")
ACCOUNT_SECTION = "СекцияРасчСчет"
DOCUMENT_SECTION = "СекцияДокумент"
SECTION_ENDS = {"КонецРасчСчет": ACCOUNT_SECTION, "КонецДокумента": DOCUMENT_SECTION}
PURPOSE = "НазначениеПлатежа"
LINE_BREAK = re.compile(r"\r\n|\n|\r")
AMOUNT = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,2}0*)?")
DAY = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}")

Direction = Literal["incoming", "outgoing", "internal", "unknown"]
Day = date
DocumentKey = tuple[str, str, Day, Decimal, str]


class StatementError(ValueError):
    """A file that must be refused whole; `line` counts from 1, 0 means the file as a whole.

    Reasons: empty, encoding, not_a_statement, no_end, after_end, unclosed_section, stray_end, missing_amount,
    missing_date, repeated_amount, bad_amount, bad_date, foreign_account.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"{reason} (line {line})" if line else reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a document; empty strings where the file says nothing."""

    name: str
    inn: str
    kpp: str
    account: str
    bank: str
    bik: str
    correspondent: str


@dataclass(frozen=True, slots=True)
class Document:
    """One payment document; `repeated` marks a second copy within the same file."""

    line: int
    kind: str
    number: str
    date: Day
    amount: Decimal
    payer: Party
    payee: Party
    purpose: str
    received_on: Day | None
    sent_on: Day | None
    direction: Direction
    repeated: bool = False

    @property
    def key(self) -> DocumentKey:
        """Equal for the same document in any file (rule S8)."""
        return (self.payer.account, self.number, self.date, self.amount, self.kind)


@dataclass(frozen=True, slots=True)
class AccountSection:
    """Balances of one account over a period; None where the file says nothing."""

    account: str
    date_from: date | None
    date_to: date | None
    opening: Decimal | None
    received: Decimal | None
    sent: Decimal | None
    closing: Decimal | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole statement.

    accounts   whose statement it is, from the header and the account sections
    warnings   codes of what is odd but harmless: totals_received, totals_sent, no_account, repeated_document,
               unknown_direction
    """

    version: str
    sender: str
    date_from: date | None
    date_to: date | None
    accounts: tuple[str, ...]
    sections: tuple[AccountSection, ...]
    documents: tuple[Document, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    line: int
    kind: str
    values: dict[str, str]


def parse(data: bytes) -> Statement:
    """Read a statement file. Raises StatementError; nothing of a broken file is returned."""
    header, accounts, blocks = _split(_decode(data))
    sections = tuple(_account_section(block) for block in blocks if block.kind == ACCOUNT_SECTION)
    own = tuple(dict.fromkeys([*accounts, *(section.account for section in sections if section.account)]))
    documents = _marked(_document(block, frozenset(own)) for block in blocks if block.kind != ACCOUNT_SECTION)
    return Statement(
        version=header.get("ВерсияФормата", ""),
        sender=header.get("Отправитель", ""),
        date_from=_day(header.get("ДатаНачала", ""), 0),
        date_to=_day(header.get("ДатаКонца", ""), 0),
        accounts=own,
        sections=sections,
        documents=documents,
        warnings=_warnings(own, sections, documents),
    )


def require_own(statement: Statement, our_accounts: Iterable[str]) -> None:
    """Refuse a statement of somebody else's account (rule S5). Raises StatementError("foreign_account")."""
    if not statement.accounts or not set(statement.accounts) <= set(our_accounts):
        raise StatementError("foreign_account")


def _decode(data: bytes) -> str:
    """Text by content, not by what the header says about it: headers lie often (rule S2)."""
    if not data.strip():
        raise StatementError("empty")
    encodings = ("utf-8-sig",) if data.startswith(b"\xef\xbb\xbf") else ("utf-8", "cp1251", "cp866")
    texts = []
    for encoding in encodings:
        try:
            texts.append(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    if not texts:
        raise StatementError("encoding")
    return next((text for text in texts if any(word in text for word in LANDMARKS)), texts[0])


def _split(text: str) -> tuple[dict[str, str], list[str], list[_Block]]:
    """Header values, the accounts the header names, and the sections in their order."""
    # A DOS end-of-file mark or padding after the last line is no content.
    lines = LINE_BREAK.split(text.rstrip("\x1a\x00 \t\r\n"))
    if lines[0].strip() != MAGIC:
        raise StatementError("not_a_statement", 1)
    header: dict[str, str] = {}
    accounts: list[str] = []
    blocks: list[_Block] = []
    section: _Block | None = None
    ended = False
    for number, raw in enumerate(lines[1:], 2):
        key, _, value = (part.strip() for part in raw.partition("="))
        if not key:
            continue
        if ended:
            raise StatementError("after_end", number)
        if key in (ACCOUNT_SECTION, DOCUMENT_SECTION, END) and section is not None:
            raise StatementError("unclosed_section", section.line)
        if key == END:
            ended = True
        elif key in (ACCOUNT_SECTION, DOCUMENT_SECTION):
            section = _Block(number, ACCOUNT_SECTION if key == ACCOUNT_SECTION else f"={value}", {})
            blocks.append(section)
        elif key in SECTION_ENDS:
            _require_open(section, SECTION_ENDS[key], number)
            section = None
        elif section is not None:
            _store(section, key, value, number)
        elif key == "РасчСчет":
            accounts.extend([_account(value)] if value else [])
        else:
            header.setdefault(key, value)
    if section is not None:
        raise StatementError("unclosed_section", section.line)
    if not ended:
        raise StatementError("no_end")
    return header, accounts, blocks


def _require_open(section: _Block | None, kind: str, number: int) -> None:
    if section is None or (section.kind == ACCOUNT_SECTION) != (kind == ACCOUNT_SECTION):
        raise StatementError("stray_end", number)


def _store(section: _Block, key: str, value: str, number: int) -> None:
    """The first value of a key stays, so that a later line cannot overrule it; two sums are a broken file."""
    known = section.values.setdefault(key, value)
    if key == "Сумма" and known != value:
        raise StatementError("repeated_amount", number)


def _account_section(block: _Block) -> AccountSection:
    values = block.values
    return AccountSection(
        account=_account(values.get("РасчСчет", "")),
        date_from=_day(values.get("ДатаНачала", ""), block.line),
        date_to=_day(values.get("ДатаКонца", ""), block.line),
        opening=_amount(values.get("НачальныйОстаток", ""), block.line),
        received=_amount(values.get("ВсегоПоступило", ""), block.line),
        sent=_amount(values.get("ВсегоСписано", ""), block.line),
        closing=_amount(values.get("КонечныйОстаток", ""), block.line),
    )


def _document(block: _Block, own: frozenset[str]) -> Document:
    values = block.values
    amount = _amount(values.get("Сумма", ""), block.line)
    day = _day(values.get("Дата", ""), block.line)
    if amount is None:
        raise StatementError("missing_amount", block.line)
    if amount < 0:
        raise StatementError("bad_amount", block.line)
    if day is None:
        raise StatementError("missing_date", block.line)
    received_on = _day(values.get("ДатаПоступило", ""), block.line)
    sent_on = _day(values.get("ДатаСписано", ""), block.line)
    return Document(
        line=block.line,
        kind=block.kind.removeprefix("="),
        number=values.get("Номер", ""),
        date=day,
        amount=amount,
        payer=_party(values, "Плательщик"),
        payee=_party(values, "Получатель"),
        purpose=_purpose(values),
        received_on=received_on,
        sent_on=sent_on,
        direction=_direction(values, own, received_on, sent_on),
    )


def _party(values: dict[str, str], side: str) -> Party:
    # Version 1.03 puts «ИНН … name» into the plain key and the bare name into the numbered one.
    name = values.get(f"{side}1") or values.get(side, "")
    bank = " ".join(filter(None, (values.get(f"{side}Банк{part}") for part in (1, 2))))
    return Party(
        name=name,
        inn=_account(values.get(f"{side}ИНН", "")),
        kpp=_account(values.get(f"{side}КПП", "")),
        account=_account(values.get(f"{side}РасчСчет") or values.get(f"{side}Счет", "")),
        bank=bank,
        bik=_account(values.get(f"{side}БИК", "")),
        correspondent=_account(values.get(f"{side}Корсчет", "")),
    )


def _direction(values: dict[str, str], own: frozenset[str], received: date | None, sent: date | None) -> Direction:
    """By the accounts of both sides; where they do not tell, by the date of receipt or sending (rule S5)."""
    payee_is_own = _names_own(values, "Получатель", own)
    payer_is_own = _names_own(values, "Плательщик", own)
    if payee_is_own and payer_is_own:
        return "internal"
    if payee_is_own or payer_is_own:
        return "incoming" if payee_is_own else "outgoing"
    if (received is None) == (sent is None):
        return "unknown"
    return "incoming" if received else "outgoing"


def _names_own(values: dict[str, str], side: str, own: frozenset[str]) -> bool:
    return any(_account(values.get(f"{side}{key}", "")) in own for key in ("Счет", "РасчСчет"))


def _purpose(values: dict[str, str]) -> str:
    parts = (values.get(f"{PURPOSE}{part}", "") for part in range(1, 7))
    return values.get(PURPOSE, "") or " ".join(filter(None, parts))


def _marked(documents: Iterable[Document]) -> tuple[Document, ...]:
    seen: set[DocumentKey] = set()
    marked = []
    for document in documents:
        marked.append(replace(document, repeated=document.key in seen))
        seen.add(document.key)
    return tuple(marked)


def _warnings(
    own: tuple[str, ...], sections: tuple[AccountSection, ...], documents: tuple[Document, ...]
) -> tuple[str, ...]:
    """What differs between the balances and the documents is worth a look, not a refusal (rule S7)."""
    found = [] if own else ["no_account"]
    for name, total, directions in (
        ("totals_received", _total(section.received for section in sections), ("incoming", "internal")),
        ("totals_sent", _total(section.sent for section in sections), ("outgoing", "internal")),
    ):
        counted = _total(
            document.amount for document in documents if document.direction in directions and not document.repeated
        )
        if total is not None and total != (counted or Decimal(0)):
            found.append(name)
    if any(document.repeated for document in documents):
        found.append("repeated_document")
    if any(document.direction == "unknown" for document in documents):
        found.append("unknown_direction")
    return tuple(found)


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _account(text: str) -> str:
    return "".join(text.split())


def _amount(text: str, line: int) -> Decimal | None:
    """A sum with a point or a decimal comma (rule S3); None when nothing is written."""
    value = "".join(text.split())
    if not value:
        return None
    if not AMOUNT.fullmatch(value):
        raise StatementError("bad_amount", line)
    return Decimal(value.replace(",", ".")).quantize(Decimal("0.01"))


def _day(text: str, line: int) -> date | None:
    if not text:
        return None
    if not DAY.fullmatch(text):
        raise StatementError("bad_date", line)
    try:
        return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError as error:
        raise StatementError("bad_date", line) from error
