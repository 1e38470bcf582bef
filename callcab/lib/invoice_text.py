"""The fixed wording of an invoice for payment: a Russian document, never translated (rules F3, F6, F13, Q5)."""

import re
from collections.abc import Sequence
from datetime import date

from callcab.lib.money import InvoiceLine, InvoiceTotals, VatMode, format_amount, invoice_totals

MONTHS = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)
NO_VAT = "Без налога (НДС)"
DASH = "—"
UNSAFE_IN_FILE_NAME = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def long_date(day: date) -> str:
    """`23 ноября 2026 г.`"""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year} г."


def short_date(day: date) -> str:
    """`23.11.2026`"""
    return f"{day.day:02d}.{day.month:02d}.{day.year:04d}"


def title(number: str, issued_on: date) -> str:
    return f"Счет на оплату № {number} от {long_date(issued_on)}"


def file_names(number: str, issued_on: date) -> tuple[str, str]:
    """The name for a download and its ASCII fallback for old clients (rule F13)."""
    safe = UNSAFE_IN_FILE_NAME.sub("-", number).strip(". ")
    ascii_number = re.sub(r"[^A-Za-z0-9._-]+", "-", safe).strip("-.")
    plain = "-".join(filter(None, ("invoice", ascii_number, issued_on.isoformat())))
    return f"Счет № {safe} от {short_date(issued_on)}.pdf", f"{plain}.pdf"


def vat_row(lines: Sequence[InvoiceLine], vat_mode: VatMode, totals: InvoiceTotals) -> tuple[str, str]:
    """Label and sum of the VAT row under the lines (rule F6); 0 % is a rate, not «без НДС»."""
    rates = {line.vat_rate for line in lines}
    if vat_mode == "none" or rates == {None}:
        return f"{NO_VAT}:", DASH
    if vat_mode == "on_top":
        label = "Сумма НДС"
    elif len(rates) == 1:
        label = f"В том числе НДС {rates.pop()}%"
    else:
        label = "В том числе НДС"
    return f"{label}:", format_amount(totals.vat)


def payment_purpose(number: str, issued_on: date, lines: Sequence[InvoiceLine], vat_mode: VatMode) -> str:
    """What the payer's bank sends back to us: `Оплата по счету № 145 от 23.11.2026. В т.ч. НДС 22% 21.64` (Q5)."""
    rates = {line.vat_rate for line in lines}
    start = f"Оплата по счету № {number} от {short_date(issued_on)}."
    if vat_mode == "none" or rates == {None}:
        return f"{start} Без НДС"
    rate = f" {rates.pop()}%" if len(rates) == 1 else ""
    return f"{start} В т.ч. НДС{rate} {invoice_totals(lines, vat_mode).vat:.2f}"
