"""Charts of the first pages: a drawing, a sentence that says the same, and the figures as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from callcab.lib import svg
from callcab.services.dashboard import GROUPS, Calls
from callcab.web.formatters import day as full_day
from callcab.web.formatters import money, number
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.telephony_words import OUTCOMES

# Narrow enough to stay readable on a phone.
WIDTH = 440
WEEKDAYS = (_l("Пн"), _l("Вт"), _l("Ср"), _l("Чт"), _l("Пт"), _l("Сб"), _l("Вс"))
GROUP_WORDS = {
    "answered": _l("Ответили"),
    "missed": _l("Не дозвонились"),
    "failed": _l("Сбой"),
    "open": _l("Идут сейчас"),
}


@dataclass(frozen=True)
class Chart:
    """What the template shows; ``rows`` hold ready text, ``legend`` the series of a stacked chart."""

    title: str
    summary: str
    drawing: Markup
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[str] = ()
    empty: bool = False


def short_day(value: date) -> str:
    return f"{value.day:02}.{value.month:02}"


def picture(drawing: str) -> Markup:
    return Markup(drawing)  # noqa: S704 - drawn by callcab.lib.svg, which escapes every text


def calls_chart(calls: Calls) -> Chart:
    """Calls per day, each bar parted by how they ended."""
    title = _("Звонки по дням")
    words = [str(GROUP_WORDS[name]) for name in GROUPS]
    totals = [sum(groups[name] for _day, groups in calls.days) for name in GROUPS]
    parts = ", ".join(f"{word} — {number(count)}" for word, count in zip(words, totals, strict=True) if count)
    summary = _("Всего за 30 дней: %(total)s", total=number(calls.total)) + (f" ({parts})" if parts else "")
    data = [(short_day(day), [groups[name] for name in GROUPS]) for day, groups in calls.days]
    drawing = svg.stacked_bars(data, series=words, label=f"{title}. {summary}", width=WIDTH, value_format=_count)
    return Chart(
        title,
        summary,
        picture(drawing),
        [_("День"), *words],
        [[full_day(day), *(number(groups[name]) for name in GROUPS)] for day, groups in calls.days],
        words,
        empty=not calls.total,
    )


def money_chart(title: str, days: Sequence[tuple[date, Decimal]]) -> Chart:
    """Roubles per day."""
    summary = _("Всего за 30 дней: %(total)s", total=money(sum((value for _day, value in days), Decimal("0.00"))))
    data = [(short_day(day), value) for day, value in days]
    drawing = svg.bars(data, label=f"{title}. {summary}", width=WIDTH, value_format=_roubles)
    rows = [[full_day(day), money(value)] for day, value in days]
    empty = not any(value for _day, value in days)
    return Chart(title, summary, picture(drawing), [_("День"), _("Сумма")], rows, empty=empty)


def heat_chart(calls: Calls) -> Chart:
    """When people are called: weekdays by hours."""
    title = _("Звонки по дням недели и часам")
    peak = max((count, -day, -hour) for day, row in enumerate(calls.hours) for hour, count in enumerate(row))
    summary = _("Звонков не было")
    if peak[0]:
        summary = _(
            "Больше всего: %(day)s, %(hour)s:00, звонков: %(count)s",
            day=WEEKDAYS[-peak[1]],
            hour=-peak[2],
            count=number(peak[0]),
        )
    data = [(str(name), row) for name, row in zip(WEEKDAYS, calls.hours, strict=True)]
    drawing = svg.heat_map(data, label=f"{title}. {summary}", width=WIDTH, value_format=_count)
    rows = [[f"{hour}:00", *(number(row[hour]) for row in calls.hours)] for hour in range(24)]
    heads = [_("Час"), *map(str, WEEKDAYS)]
    return Chart(title, summary, picture(drawing), heads, rows, empty=not peak[0])


def outcomes_chart(outcomes: Sequence[tuple[str, int]], title: str = "", counted: str = "", summary: str = "") -> Chart:
    """Verifications, or what ``title`` and ``counted`` say, by how they ended."""
    title = title or _("Проверки номеров по исходам")
    named = [(_outcome(code), count) for code, count in outcomes]
    total = number(sum(count for _code, count in outcomes))
    summary = summary % {"total": total} if summary else _("Всего за 30 дней: %(total)s", total=total)
    drawing = svg.lying_bars(named, label=f"{title}. {summary}", width=WIDTH, value_format=_count)
    rows = [[name, number(count)] for name, count in named]
    return Chart(title, summary, picture(drawing), [_("Исход"), counted or _("Проверок")], rows, empty=not outcomes)


def _outcome(code: str) -> str:
    return _("Идёт сейчас") if code == "open" else str(OUTCOMES.get(code, (code,))[0])


def _count(value: svg.Number) -> str:
    return number(int(value))


def _roubles(value: svg.Number) -> str:
    return money(Decimal(value))
