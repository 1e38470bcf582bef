"""What an action would do, in words: a ``Forecast`` of the services as the ``Preview`` beside the question."""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from callcab.services.operation import Forecast, Rules, forecast
from callcab.web import errors
from callcab.web.formatters import money, number
from callcab.web.language import gettext
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing.access import request_actor
from callcab.web.listing.declare import Preview, Text

# Errors whose sentence speaks of one row or to a customer; here it stands for many.
FOR_MANY: dict[str, Text] = {
    "audio_recording.in_use": _l("Аудиозапись играют рассылки: её нельзя удалить."),
    "number.blocked": _l("Номера заблокированы."),
    "number.rented": _l("Номера в аренде."),
    "balance.low": _l("У клиента нет столько денег."),
}


def outlook(
    rules: Callable[..., Rules | None],
    *,
    field: Text = "",
    values: Mapping[Any, Any] | None = None,
    sums: Mapping[str, Text] | None = None,
    warning: Text = "",
) -> Callable[[Any, Any, dict[str, Any] | None], Preview | None]:
    """A preview by ``rules(rows, params, actor)``; None of them: the fields are to be filled in first.

    field, values  words of the column that changes, and of its values
    sums           words of what is added up; a name that begins with ``money`` is roubles
    warning        said when a campaign that calls now would feel it
    """

    def preview(session: Any, rows: Any, params: dict[str, Any] | None) -> Preview | None:
        asked = rules(rows, params, request_actor())
        if asked is None:
            return None
        found = forecast(session, rows, asked)
        return Preview(
            facts=[*_changes(found, field, values or {}), *_sums(found, sums or {}), *_campaigns(found)],
            skipped=[(reason(code), number(count)) for code, count in found.refused.items()],
            warning=_hindered() if found.is_hindered else warning if found.touched else "",
            seal=hashlib.sha256(repr(found).encode()).hexdigest()[:16],
            hindered=found.is_hindered or not found.done,
        )

    return preview


def fixed(rules: Callable[[], Rules], **words: Any) -> Callable[[Any, Any, dict[str, Any] | None], Preview | None]:
    """An ``outlook`` by rules that ask nothing of the request."""
    return outlook(lambda rows, params, actor: rules(), **words)


def reason(code: str) -> str:
    """Why rows are left out."""
    return str(FOR_MANY.get(code) or errors.TEXTS.get(code, code))


def _changes(found: Forecast, field: Text, values: Mapping[Any, Any]) -> list[tuple[Text, Text]]:
    def named(value: str) -> Any:
        return values.get(value, value)

    facts: list[tuple[Text, Text]] = [
        (gettext("%(field)s: %(now)s → %(then)s", field=field, now=named(now), then=named(then)), number(count))
        for (now, then), count in found.changes.items()
    ]
    if not found.changes:
        facts.append((gettext("Будет сделано"), number(0 if found.is_hindered else found.done)))
    if found.same:
        facts.append((gettext("Уже так"), number(found.same)))
    return facts


def _sums(found: Forecast, words: Mapping[str, Text]) -> list[tuple[Text, Text]]:
    return [
        (words[name], money(Decimal(amount)) if name.startswith("money") else number(int(amount)))
        for name, amount in found.sums.items()
        if amount
    ]


def _campaigns(found: Forecast) -> list[tuple[Text, Text]]:
    if not found.touched:
        return []
    names = ", ".join(found.campaigns)
    if found.touched > len(found.campaigns):
        more = number(found.touched - len(found.campaigns))
        names = gettext("%(names)s и ещё %(count)s", names=names, count=more)
    return [(gettext("Рассылки"), names), (gettext("Из них звонят сейчас"), number(found.calling))]


def _hindered() -> str:
    return gettext("Пока среди выбранного есть такие строки, не будет сделано ничего. Снимите с них отметки.")
