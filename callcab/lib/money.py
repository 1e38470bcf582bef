"""Roubles as Decimal: rounding, reading, writing, VAT. No float ever touches a sum."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

KOPECK = Decimal("0.01")
NBSP = "\u00a0"
# NUMERIC(14,2) of the database holds twelve digits before the point.
LARGEST = Decimal("999999999999.99")
# Wide enough for a product of two largest numbers: quantize must not fail on precision.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)
# What may be put into a new invoice in 2026 (rule F10); None is «без НДС», which is not 0 %.
VAT_RATES = (None, 0, 5, 7, 10, 22)

VatMode = Literal["none", "inside", "on_top"]

_SPACE = r"[ \u00a0\u2007\u2009\u202f]"
_GROUPED = re.compile(rf"(?:[0-9]+|[0-9]{{1,3}}(?:{_SPACE}[0-9]{{3}})+)(?:[.,]([0-9]+))?")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ANY_SPACE = re.compile(_SPACE)


class AmountError(ValueError):
    """Reasons: empty, not_a_number, too_many_decimals, negative, too_large."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvoiceLineError(ValueError):
    """A line that no invoice may have (rule F11); `line` counts from 1, None means the invoice as a whole.

    Reasons: no_lines, name, quantity, price, rate, too_large, total.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"{reason} (line {line})")
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """What is being sold; quantity and price may come as text in plain notation."""

    name: str
    quantity: Decimal | int | str
    unit: str
    price: Decimal | int | str
    vat_rate: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """An item with its sums; `vat_amount` is inside `amount` or comes on top of it, as the invoice says."""

    name: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Decimal
    vat_rate: int | None
    vat_amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    amount: Decimal
    vat: Decimal
    payable: Decimal


def plain_decimal(value: Decimal | int | str) -> Decimal:
    """A number in plain notation: `12`, `-0.5`, Decimal or int.

    raises   AmountError("not_a_number") for NaN, Infinity and exponent form; TypeError for a float
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"money is Decimal, not {type(value).__name__}")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise AmountError("not_a_number")
        return value
    text = str(value).strip()
    if not _PLAIN.fullmatch(text):
        raise AmountError("not_a_number")
    return Decimal(text)


def to_kopecks(amount: Decimal) -> Decimal:
    """Roubles rounded half up (away from zero) to a whole kopeck; still roubles."""
    exact = plain_decimal(amount)
    if abs(exact.adjusted()) > 40 and exact:
        # An absurd exponent: a dust of money is nothing, a mountain of it is refused.
        if exact.adjusted() > 0:
            raise AmountError("too_large")
        return Decimal("0.00")
    # Adding zero turns -0.00 into 0.00, which is what people expect to see.
    return _CONTEXT.add(exact.quantize(KOPECK, context=_CONTEXT), Decimal(0))


def in_kopecks(amount: Decimal) -> int:
    """Roubles as a whole number of kopecks, rounded half up."""
    return int(to_kopecks(amount).scaleb(2, context=_CONTEXT))


def parse_amount(text: str) -> Decimal:
    """A sum as people type it: `500`, `500,00`, `500.00`, `1 200,50` with space or NBSP (rule P2).

    returns  Decimal with exactly two decimals, never negative
    raises   AmountError; spaces are taken only where they part thousands, so `5 00` is no sum
    """
    value = text.strip()
    if not value:
        raise AmountError("empty")
    negative = value[0] in "-\u2212"
    match = _GROUPED.fullmatch(value[1:] if negative else value)
    if not match:
        raise AmountError("not_a_number")
    if negative:
        raise AmountError("negative")
    if match[1] and len(match[1]) > 2:
        raise AmountError("too_many_decimals")
    digits = _ANY_SPACE.sub("", value).replace(",", ".")
    if len(digits.partition(".")[0].lstrip("0")) > 12:
        raise AmountError("too_large")
    return to_kopecks(Decimal(digits))


def format_amount(amount: Decimal) -> str:
    """`1 234,56`: thousands apart by NBSP, decimal comma, always two decimals."""
    return _russian(f"{to_kopecks(amount):,.2f}")


def format_number(value: Decimal, decimals: int = 0) -> str:
    """A quantity or a rate without idle zeros: `1`, `2,5`, `1 000`; at least `decimals` of them."""
    whole, _, fraction = f"{plain_decimal(value):,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return _russian(f"{whole}.{fraction}" if fraction else whole)


def vat_inside(amount: Decimal, rate: Decimal | int) -> Decimal:
    """The VAT contained in `amount` at `rate` percent (rule F9)."""
    percent = Decimal(rate)
    return to_kopecks(_CONTEXT.divide(_CONTEXT.multiply(plain_decimal(amount), percent), 100 + percent))


def vat_on_top(amount: Decimal, rate: Decimal | int) -> Decimal:
    """The VAT to be added to `amount` at `rate` percent (rule F9)."""
    return to_kopecks(_CONTEXT.divide(_CONTEXT.multiply(plain_decimal(amount), Decimal(rate)), Decimal(100)))


def line_sum(quantity: Decimal, price: Decimal) -> Decimal:
    """Quantity times price, rounded half up to kopecks (rule F9)."""
    return to_kopecks(_CONTEXT.multiply(plain_decimal(quantity), plain_decimal(price)))


def _russian(text: str) -> str:
    return text.replace(",", NBSP).replace(".", ",")


def invoice_lines(items: Iterable[InvoiceItem], vat_mode: VatMode) -> tuple[InvoiceLine, ...]:
    """Check the items of a new invoice and compute the sum and the VAT of each line (rules F9-F11).

    raises   InvoiceLineError; with vat_mode `none` the only rate is None
    """
    lines = tuple(_invoice_line(number, item, vat_mode) for number, item in enumerate(items, 1))
    if not lines:
        raise InvoiceLineError("no_lines")
    payable = invoice_totals(lines, vat_mode).payable
    if payable <= 0:
        raise InvoiceLineError("total")
    if payable > LARGEST:
        raise InvoiceLineError("too_large")
    return lines


def invoice_totals(lines: Sequence[InvoiceLine], vat_mode: VatMode) -> InvoiceTotals:
    """Sums of computed lines: VAT is added up line by line, never taken from the total (rule F9)."""
    amount = sum((line.amount for line in lines), Decimal("0.00"))
    vat = sum((line.vat_amount for line in lines), Decimal("0.00"))
    return InvoiceTotals(amount, vat, amount + vat if vat_mode == "on_top" else amount)


def _invoice_line(number: int, item: InvoiceItem, vat_mode: VatMode) -> InvoiceLine:
    if not item.name.strip():
        raise InvoiceLineError("name", number)
    quantity = _line_number(item.quantity, "quantity", number)
    price = _line_number(item.price, "price", number)
    if quantity <= 0:
        raise InvoiceLineError("quantity", number)
    if price < 0:
        raise InvoiceLineError("price", number)
    allowed = (None,) if vat_mode == "none" else VAT_RATES
    if isinstance(item.vat_rate, bool | float) or item.vat_rate not in allowed:
        raise InvoiceLineError("rate", number)
    if quantity > LARGEST or price > LARGEST or (amount := line_sum(quantity, price)) > LARGEST:
        raise InvoiceLineError("too_large", number)
    vat_of = vat_on_top if vat_mode == "on_top" else vat_inside
    vat = vat_of(amount, item.vat_rate) if item.vat_rate else Decimal("0.00")
    return InvoiceLine(item.name.strip(), quantity, item.unit, price, amount, item.vat_rate, vat)


def _line_number(value: Decimal | int | str, field: str, number: int) -> Decimal:
    try:
        return plain_decimal(value)
    except (AmountError, TypeError) as error:
        raise InvoiceLineError(field, number) from error
