"""What an operation was started on, in the words of the list that it was started from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import orm

from callcab.models import Operation
from callcab.services.listing import AmountRange, ChoiceFilter, DateTimeRange, ReferenceFilter
from callcab.web.formatters import moment, money, number
from callcab.web.language import gettext
from callcab.web.listing.declare import FilterField

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView


def chosen(session: orm.Session, side: Iterable[Any], operation: Operation) -> str | None:
    """Which rows an operation means: its search and filters, how many were ticked, or all.

    None when no view of this side shows such a list, as for an import. A condition that the list no longer knows is
    said by its key: nothing that narrowed the choice is left out.
    """
    view = next((one for one in side if getattr(one, "spec", None) and one.spec.name == operation.spec_name), None)
    return None if view is None else _said(session, view, operation.filter, operation.ids)


def _said(session: orm.Session, view: "ListView", stored: Mapping[str, Any], ids: Sequence[int] | None) -> str:
    if ids is not None:
        return str(gettext("отмеченные строки: %(count)s", count=number(len(ids))))
    said = [f"{view.search_label}: {stored['search']}"] if stored.get("search") else []
    fields = {field.key: field for field in view.filters}
    for key, value in (stored.get("filters") or {}).items():
        field = fields.get(key)
        said.append(f"{field.label}: {_words(session, view, field, value)}" if field else f"{key}: {value}")
    return "; ".join(said) or str(gettext("все строки"))


def _words(session: orm.Session, view: "ListView", field: FilterField, value: Any) -> str:
    rule = view.spec.by_key[field.key]
    if isinstance(rule, ChoiceFilter):
        names = field.choices or {}
        return ", ".join(str(names.get(choice, choice)) for choice in value)
    if isinstance(rule, DateTimeRange):
        return _range(*(moment(datetime.fromisoformat(end)) if end else "" for end in (value["from"], value["before"])))
    if isinstance(rule, AmountRange):
        return _range(*(money(Decimal(end)) if end is not None else "" for end in (value["min"], value["max"])))
    if isinstance(rule, ReferenceFilter):
        name = field.lookup.name_of(session, value) if field.lookup else None
        return f"{value} · {name}" if name else str(value)
    return str(value)


def _range(low: str, high: str) -> str:
    words = [gettext("от %(value)s", value=low)] if low else []
    return " ".join(map(str, [*words, *([gettext("до %(value)s", value=high)] if high else [])]))
