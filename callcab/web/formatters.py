"""How values look on pages (rule U28): `07.05.2024 (10:55:26)`, `1 234,56 ₽`, `1 945`, `+7(925)394-45-77`, «—».

Spaces inside a value are no-break spaces. Nothing here ever prints None.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import ngettext
from markupsafe import Markup, escape

from callcab.lib import phone as phones
from callcab.lib import user_agent
from callcab.web import carried

DASH = "—"
NBSP = "\u00a0"
DEFAULT_ZONE = ZoneInfo("Europe/Moscow")
# Formatting a number by `:02` takes three times as long, and a list shows hundreds.
_TWO_DIGITS = tuple(f"{value:02}" for value in range(60))
_needs_escape = re.compile("[&<>'\"]").search


def current_zone() -> ZoneInfo:
    """The zone of the customer whose page it is; Moscow for support and outside a request."""
    return carried.zone.get() or DEFAULT_ZONE


def moment(value: datetime | None, zone: ZoneInfo | None = None) -> str:
    """`07.05.2024 (10:55:26)` in the zone of the page."""
    if value is None:
        return DASH
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    at, two = value.astimezone(zone or current_zone()), _TWO_DIGITS
    return f"{two[at.day]}.{two[at.month]}.{at.year} ({two[at.hour]}:{two[at.minute]}:{two[at.second]})"


def day(value: datetime | date | None) -> str:
    """`07.05.2024`."""
    if value is None:
        return DASH
    if isinstance(value, datetime):
        value = value.astimezone(current_zone())
    return f"{value.day:02}.{value.month:02}.{value.year}"


def clock_time(value: datetime | None) -> str:
    """`10:55:26` in the zone of the page."""
    return DASH if value is None else value.astimezone(current_zone()).strftime("%H:%M:%S")


def number(value: int | None) -> str:
    """`1 945`."""
    return DASH if value is None else f"{value:,}".replace(",", NBSP)


def money(value: Decimal | None) -> str:
    """`1 234,56 ₽`, with a minus sign for debits."""
    if value is None:
        return DASH
    if not isinstance(value, Decimal):
        raise TypeError("money must be Decimal")
    text = f"{abs(value):,.2f}".replace(",", NBSP).replace(".", ",")
    return f"{'−' if value < 0 else ''}{text}{NBSP}₽"


def rate(value: Decimal | None) -> str:
    """A price per interval: up to four decimals, at least two."""
    if value is None:
        return DASH
    whole, _, rest = f"{value:.4f}".partition(".")
    return f"{int(whole):,}".replace(",", NBSP) + "," + rest.rstrip("0").ljust(2, "0") + f"{NBSP}₽"


def phone(value: str | int | None) -> str:
    """`+7(925)394-45-77` from digits or E.164; what is no Russian number is shown as it is."""
    if value is None or value == "":
        return DASH
    text = str(value)
    try:
        return phones.display(text if text.startswith("+") else f"+{text}")
    except ValueError:
        return text


def duration(seconds: int | None) -> str:
    """`0:07`, `12:05`, `1:02:03`."""
    if seconds is None:
        return DASH
    hours, rest = divmod(max(seconds, 0), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def size(value: int | None) -> str:
    """`12,3 КБ`."""
    if value is None:
        return DASH
    amount, units = Decimal(value), ["Б", "КБ", "МБ", "ГБ"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    shown = f"{amount:.0f}" if units[0] == "Б" else f"{amount:.1f}".replace(".", ",")
    return f"{shown}{NBSP}{units[0]}"


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """`5 минут назад`; the exact time from a day on."""
    if value is None:
        return DASH
    seconds = int(((now or datetime.now(UTC)) - value).total_seconds())
    if not 0 <= seconds < 86_400:
        return moment(value)
    if seconds < 60:
        return str(ngettext("%(num)s секунду назад", "%(num)s секунд назад", seconds))
    if seconds < 3600:
        return str(ngettext("%(num)s минуту назад", "%(num)s минут назад", seconds // 60))
    return str(ngettext("%(num)s час назад", "%(num)s часов назад", seconds // 3600))


def dash(value: Any) -> Any:
    """The value itself, or «—» for nothing; an Enum member shows as its value and is a slip of the caller."""
    if value is None or value == "" or value == []:
        return DASH
    return value.value if isinstance(value, Enum) else value


def html_text(value: Any) -> str:
    """A value as HTML: Markup as it is, anything else escaped, a lazy translation too (``escape`` trusts those).

    Most texts of a list have nothing to escape; looking takes a tenth of ``escape``.
    """
    if value.__class__ is str:
        return escape(value) if _needs_escape(value) else value
    return value if isinstance(value, Markup) else escape(str(value))


def status(text: Any, tone: str = "", *, live: bool = False) -> Markup:
    """A status with its dot; tone is good, warn, bad, info or nothing. The same as the macro, for cells."""
    css = "status-dot-label" + (f" status-{tone}" if tone else "") + (" status-live" if live else "")
    return Markup(f'<span class="{html_text(css)}">{html_text(text)}</span>')  # noqa: S704 - escaped


def link(url: str, text: Any, *, outside: bool = False) -> Markup:
    """A link for a cell; both parts are escaped. ValueError for an address that is not a page of ours or http(s).

    ``outside``: it opens beside the page and tells the other side nothing of us.
    """
    if not url.startswith(("/", "https://", "http://", "?")) or url.startswith("//"):
        raise ValueError("not an address to link to")
    more = ' target="_blank" rel="noopener noreferrer"' if outside else ""
    return Markup(f'<a href="{html_text(url)}"{more}>{html_text(text)}</a>')  # noqa: S704 - escaped


def browser_name(agent: str | None) -> str:
    """`Chrome, Linux` of what a browser calls itself."""
    return user_agent.short_name(agent or "") or DASH


FILTERS = {
    "moment": moment,
    "day": day,
    "clock_time": clock_time,
    "number": number,
    "money": money,
    "rate": rate,
    "phone": phone,
    "duration": duration,
    "filesize": size,
    "ago": ago,
    "dash": dash,
    "browser_name": browser_name,
}
