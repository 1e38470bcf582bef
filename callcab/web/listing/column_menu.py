"""Which columns of a list a person sees, and how high its rows are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, request
from flask.typing import ResponseReturnValue

from callcab.db import unit_of_work
from callcab.services import user
from callcab.web.language import gettext
from callcab.web.listing.access import request_scope, who
from callcab.web.listing.acting import go
from callcab.web.listing.address import Request
from callcab.web.listing.declare import Column

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView


@dataclass(frozen=True)
class ColumnChoice:
    """A column in the menu «Столбцы»."""

    key: str
    label: Any
    shown: bool


def shown(view: "ListView") -> Sequence[Column]:
    """The columns that the person wants to see; what a row is known by is always among them."""
    hidden = _hidden(view)
    return [column for column in view.columns if column.key not in hidden or not _may_hide(column)]


def list_context(view: "ListView") -> dict[str, Any]:
    """Variables of callcab/list.html."""
    hidden = _hidden(view)
    return {
        "dense": bool(_settings(view).get("dense")),
        "column_choices": [
            ColumnChoice(column.key, column.label, column.key not in hidden)
            for column in view.columns
            if _may_hide(column)
        ],
    }


def save(view: "ListView") -> ResponseReturnValue:
    """Keep what the menu was set to; columns that the list does not have are nobody's."""
    wanted = set(request.form.getlist("column"))
    hidden = [column.key for column in view.columns if _may_hide(column) and column.key not in wanted]
    with unit_of_work(request_scope()) as session:
        user.set_list_settings(
            session,
            user_id=who().id,
            list_name=view.spec.name,
            hidden=hidden,
            dense=request.form.get("dense") == "1",
            usual=_usual(view),
        )
    flash(gettext("Вид таблицы сохранён."), "success")
    return go(f"{view.url}/{Request(view.spec, request.args).stay()}")


def _settings(view: "ListView") -> Mapping[str, Any]:
    found: Mapping[str, Any] = who().list_settings.get(view.spec.name) or {}
    return found


def _usual(view: "ListView") -> list[str]:
    """Columns that are shown to those only who choose them."""
    return [column.key for column in view.columns if column.extra]


def _hidden(view: "ListView") -> set[str]:
    return set(_settings(view).get("hidden", _usual(view)))


def _may_hide(column: Column) -> bool:
    return "main" not in column.kind.split() and not column.link
