"""Fiscal receipts: the text of their QR code and links to the operator's page (rules P4, P5)."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, cast
from urllib.parse import parse_qsl, urlsplit

KINDS = {"1": "income", "2": "income_refund", "3": "expense", "4": "expense_refund"}
# Each part of the QR text with the form it must have; all are required.
FORMS = {
    "t": re.compile(r"[0-9]{8}T[0-9]{4}(?:[0-9]{2})?"),
    "s": re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?"),
    "fn": re.compile(r"[0-9]{16}"),
    "i": re.compile(r"[0-9]{1,10}"),
    "fp": re.compile(r"[0-9]{1,10}"),
    "n": re.compile(r"[1-4]"),
}
LARGEST_SIGN = 2**32 - 1
# Quotes, angle brackets, back slashes, white space and control characters have no place in a link.
UNSAFE = re.compile(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\"'`<>\\]")
LINK_LIMIT = 2000

ReceiptKind = Literal["income", "income_refund", "expense", "expense_refund"]


class ReceiptError(ValueError):
    """Reasons: empty, missing, format, date, contradiction; `part` names the parameter, if one is to blame."""

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(f"{reason} {part}".strip())
        self.reason = reason
        self.part = part


@dataclass(frozen=True, slots=True)
class Receipt:
    """What identifies a receipt; `issued_at` is the cash register's local time, without a zone."""

    issued_at: datetime
    amount: Decimal
    fiscal_drive: str
    document: str
    sign: str
    kind: ReceiptKind


def parse(text: str) -> Receipt:
    """Read the QR text of a paper receipt, or a link that carries the same parameters (rule P4).

    raises   ReceiptError when a part is missing, malformed, or given twice with different values
    """
    value = text.strip()
    if not value:
        raise ReceiptError("empty")
    if "://" in value:
        if safe_link(value) is None:
            raise ReceiptError("format")
        value = urlsplit(value).query
    parts: dict[str, str] = {}
    for key, given in parse_qsl(value, keep_blank_values=True):
        name = key.strip().lower()
        if parts.setdefault(name, given) != given and name in FORMS:
            raise ReceiptError("contradiction", name)
    for name, form in FORMS.items():
        if name not in parts:
            raise ReceiptError("missing", name)
        if not form.fullmatch(parts[name]):
            raise ReceiptError("format", name)
    if int(parts["fp"]) > LARGEST_SIGN:
        raise ReceiptError("format", "fp")
    kind = cast(ReceiptKind, KINDS[parts["n"]])
    amount = Decimal(parts["s"]).quantize(Decimal("0.01"))
    return Receipt(_moment(parts["t"]), amount, parts["fn"], parts["i"], parts["fp"], kind)


def safe_link(url: str | None) -> str | None:
    """The link if it may be made clickable, else None (rule P5).

    Only http and https with a host; no user information, white space, quotes or angle brackets.
    """
    value = (url or "").strip()
    if not value or len(value) > LINK_LIMIT or UNSAFE.search(value):
        return None
    try:
        parts = urlsplit(value)
        # Reading the port checks it.
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable:
        return None
    if not value.lower().startswith(f"{parts.scheme}://") or "@" in parts.netloc:
        return None
    return value


def _moment(text: str) -> datetime:
    form = "%Y%m%dT%H%M%S" if len(text) == 15 else "%Y%m%dT%H%M"
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the receipt does not say its zone
    except ValueError as error:
        raise ReceiptError("date", "t") from error
