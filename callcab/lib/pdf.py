"""PDF documents from templates of the repository, drawn with our own fonts and nothing from outside.

The renderer is not told apart from an attacker: whatever stands in a document, it may read the font folder only
(rules F13, F14).
"""

import base64
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from callcab.lib import amount_words, invoice_text, payment_qr
from callcab.lib.money import InvoiceLine, InvoiceTotals, VatMode, format_amount, format_number

FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
REPLACEMENT = "\ufffd"
FONTS = Path(__file__).resolve().parent / "fonts"
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# The renderer makes a piece of text of each indent between two elements.
_BETWEEN_TAGS = re.compile(r">\s+<")
# Control characters have no glyph, and direction marks could make a sum or an account read backwards.
_UNPRINTABLE = dict.fromkeys(
    [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, 0xFEFF, 0xFFFE, 0xFFFF]
    + [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xD800, 0xE000)]
)


class PdfError(Exception):
    """Reasons: warnings, limit, layout; `messages` are the renderer's words, for the log and never for a page."""

    def __init__(self, reason: str, messages: tuple[str, ...] = ()) -> None:
        super().__init__(f"{reason}: {'; '.join(messages)}" if messages else reason)
        self.reason = reason
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Seller:
    """Requisites as they stood on the day of the invoice; empty strings where there is nothing to print."""

    name: str
    inn: str
    address: str
    bank_name: str
    bik: str
    account: str
    correspondent_account: str = ""
    kpp: str = ""
    head: str = ""
    accountant: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    name: str
    inn: str
    kpp: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """Everything that an invoice prints, frozen: nothing is looked up or computed anew (rule F12).

    purpose  goes into the QR code; see `invoice_text.payment_purpose`
    """

    number: str
    issued_on: date
    seller: Seller
    buyer: Buyer
    lines: tuple[InvoiceLine, ...]
    vat_mode: VatMode
    totals: InvoiceTotals
    purpose: str
    due_on: date | None = None
    basis: str = ""
    attention: str = ""


@dataclass(frozen=True, slots=True)
class NumberCertificate:
    """«Справка по номеру», ready to print: all cells are words already.

    facts    names and values of the head
    refusals  for each entry that forbids calls, names and values, then the sentence about calls after it
    calls, came_in  a heading row and the rows below it; empty when there was none
    left_out  how many older calls did not fit
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    refusals: tuple[tuple[tuple[tuple[str, str], ...], str], ...]
    calls: tuple[tuple[str, ...], ...]
    came_in: tuple[tuple[str, ...], ...]
    left_out: int = 0


def render_pdf(html: str, *, base_dir: Path = FONTS) -> bytes:
    """Draw a document; local files are read under `base_dir` only, remote ones never.

    raises   PdfError, also when the renderer only warns: a missing font is a warning to it, and all letters
             would be black squares
    """
    drawn: bytes = _drawing().draw(html, base_dir)
    return drawn


def _drawing() -> Any:
    """What draws. It holds 20 MB: nothing for a dialer, nor for a web process before its first document."""
    return import_module("callcab.lib.pdf_drawing")


def invoice_pdf(doc: InvoiceDocument) -> bytes:
    """The invoice for payment as A4 pages, with the payment QR code (rules F1-F8). Raises PdfError."""
    return render_pdf(invoice_html(doc))


def certificate_pdf(doc: NumberCertificate) -> bytes:
    """The certificate as A4 pages. Raises PdfError."""
    return render_pdf(_filled("certificate", doc=doc))


def invoice_html(doc: InvoiceDocument) -> str:
    label, vat = invoice_text.vat_row(doc.lines, doc.vat_mode, doc.totals)
    return _filled(
        "invoice",
        doc=doc,
        seller=doc.seller,
        buyer=doc.buyer,
        title=invoice_text.title(doc.number, doc.issued_on),
        due_on=invoice_text.short_date(doc.due_on) if doc.due_on else "",
        vat_label=label,
        vat_amount=vat,
        in_words=amount_words.roubles(doc.totals.payable),
        qr_code=base64.b64encode(payment_qr.png(invoice_qr(doc), border=0)).decode(),
    )


def _filled(template: str, **values: object) -> str:
    return _BETWEEN_TAGS.sub("><", _TEMPLATES.get_template(f"pdf/{template}.html").render(values))


def invoice_qr(doc: InvoiceDocument) -> str:
    """The text of the payment QR code of an invoice; names are cut to what the code may hold."""
    seller = doc.seller
    name, bank_name = payment_qr.fit(seller.name, seller.bank_name)
    return payment_qr.encode(
        name=name,
        personal_acc=seller.account,
        bank_name=bank_name,
        bic=seller.bik,
        corresp_acc=seller.correspondent_account,
        amount=doc.totals.payable,
        purpose=payment_qr.one_line(doc.purpose)[: payment_qr.LIMITS["Purpose"]],
        payee_inn=seller.inn,
        kpp=seller.kpp,
    )


def _printable(value: object) -> object:
    """Text with only what our fonts can draw: an emoji in a name must not cost the customer the invoice."""
    if type(value) is not str:
        return value
    text = value.translate(_UNPRINTABLE)
    strange = set(text) - _glyphs()
    return text.translate(dict.fromkeys(map(ord, strange), REPLACEMENT)) if strange else text


@cache
def _glyphs() -> frozenset[str]:
    """Characters that the regular and the bold face both have."""
    regular, bold = (_drawing().characters(FONTS / name) for name in FACES)
    return frozenset(map(chr, regular & bold)) | {"\n", "\t"}


def _quantity(value: Decimal) -> str:
    return format_number(value)


def _price(value: Decimal) -> str:
    return format_number(value, decimals=2)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": format_amount, "quantity": _quantity, "price": _price}
    return environment


_TEMPLATES = _environment()
