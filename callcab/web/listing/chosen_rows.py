"""What an operation was started on, in the words of the list that it was started from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import orm

from callcab.models import Operation
from callcab.services.listing import AmountRange, ChoiceFilter, DateTimeRange, ReferenceFilter, where
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
    said += [_one(session, view, key, value) for key, value in (stored.get("filters") or {}).items()]
    if stored.get("where"):
        said.append(said_where(session, view, stored["where"]))
    return "; ".join(said) or str(gettext("все строки"))


def said_where(session: orm.Session, view: "ListView", tree: where.Where) -> str:
    """Conditions joined by AND and OR; what stands together in parentheses is one group of several."""
    groups = []
    for group in tree["groups"]:
        rows = []
        for row in group["rows"]:
            text = _one(session, view, row["key"], row["value"])
            rows.append(str(gettext("не (%(what)s)", what=text)) if row["not"] else text)
        text = _joined(group["join"], rows)
        groups.append(f"({text})" if len(rows) > 1 and len(tree["groups"]) > 1 else text)
    return _joined(tree["join"], groups)


def _joined(how: str, parts: Sequence[str]) -> str:
    return str(gettext(" или ") if how == where.OR else gettext(" и ")).join(parts)


def _one(session: orm.Session, view: "ListView", key: str, value: Any) -> str:
    field = next((item for item in view.filters if item.key == key), None)
    return f"{field.label}: {_words(session, view, field, value)}" if field else f"{key}: {value}"


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
