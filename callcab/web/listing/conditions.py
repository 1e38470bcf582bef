"""The page «Условия И/ИЛИ»: a list's filters joined by AND and OR, built row by row, with or without scripts.

The form is sent whole with each step and drawn again; only «Применить» leads back to the list, with the conditions in
its address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask import abort, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from callcab.services.listing import Filter, ListState, where
from callcab.services.listing.filters import BadValue
from callcab.web.database import db
from callcab.web.formatters import current_zone
from callcab.web.language import gettext
from callcab.web.listing import panel
from callcab.web.listing.acting import go
from callcab.web.listing.address import Request
from callcab.web.listing.panel import PanelField
from callcab.web.listing.words import slip

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView


@dataclass(frozen=True)
class Line:
    """One row of a group; ``fresh``: it was added just now."""

    mark: str
    negated: bool
    field: PanelField
    fresh: bool


@dataclass(frozen=True)
class Group:
    """Rows that belong together; ``join`` is how."""

    number: int
    join: str
    lines: Sequence[Line]


def answer(view: "ListView") -> ResponseReturnValue:
    """GET and POST /conditions/."""
    if not view.filters:
        abort(404)
    if request.method == "GET":
        return make_response(_page(view, MultiDict(request.args), {}, fresh=""))
    args, count, fresh = _changed(view, request.form)
    if request.form.get("do") not in (None, "apply"):
        return make_response(_page(view, args, {}, fresh=fresh, count=count))
    errors = where.parse(view.spec, args, current_zone())[1]
    if errors:
        return make_response(_page(view, args, errors, fresh="", count=count), 422)
    return go(f"{view.url}/{Request(view.spec, _with_rest(view, args)).url()}")


def _with_rest(view: "ListView", args: MultiDict[str, str]) -> MultiDict[str, str]:
    """The list's address with these conditions in place of those that it had."""
    gone = set(where.names(view.spec, request.args))
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in gone]
    return MultiDict([*kept, *args.items(multi=True)])


def _changed(view: "ListView", form: MultiDict[str, str]) -> tuple[MultiDict[str, str], int, str]:
    """The conditions of the form after its button: one row fewer or more, or one group more. The rows are numbered
    anew; the number of groups shown, and the mark of a row that is new."""
    deed, _, what = form.get("do", "").partition(":")
    rows = [mark for mark in where.MARKS if form.get(f"{mark}.key") and not (deed == "drop" and mark == what)]
    args: MultiDict[str, str] = MultiDict((name, form.get(name, "")) for name in ("where", *_joins()))
    for place, old in enumerate(rows):
        _copy(view, form, old, args, where.MARKS[place])
    count = int(form.get("groups", "1")) if form.get("groups", "") in map(str, range(1, where.GROUPS + 1)) else 1
    fresh = ""
    if deed == "add" and len(rows) < where.ROWS:
        fresh = where.MARKS[len(rows)]
        args[fresh] = f"{what}.{where.IS}.{form.get(f'add{what}', '')}"
    if deed == "group":
        count = min(count + 1, where.GROUPS)
    return args, count, fresh


def _copy(view: "ListView", form: MultiDict[str, str], old: str, args: MultiDict[str, str], new: str) -> None:
    key = form.get(f"{old}.key", "")
    if key not in view.spec.by_key:
        return
    args[new] = f"{form.get(f'{old}.group', '')}.{form.get(f'{old}.sign', '')}.{key}"
    for name in view.spec.by_key[key].params:
        args.setlist(f"{new}.{name}", form.getlist(f"{old}.{name}"))


def _joins() -> list[str]:
    return [f"g{number}" for number in range(1, where.GROUPS + 1)]


def _page(view: "ListView", args: MultiDict[str, str], errors: Mapping[str, str], *, fresh: str, count: int = 1) -> str:
    groups = _groups(view, args, errors, fresh, count)
    here = Request(view.spec, request.args)
    plain = here.url(drop=where.names(view.spec, request.args))
    title = gettext("Условия И/ИЛИ")
    return str(
        view.render(
            "callcab/conditions.html",
            groups=groups,
            join=where.join(args, "where"),
            fields=view.filters,
            full=sum(len(group.lines) for group in groups) >= where.ROWS,
            more_groups=len(groups) < where.GROUPS,
            lookup_url=f"{view.url}/lookup/",
            target=f"{view.url}/conditions/{here.url()}",
            back=f"{view.url}/{here.url()}",
            reset=f"{view.url}/{plain}",
            crumbs=[{"url": f"{view.url}/", "name": view.name}, {"url": "", "name": title}],
        )
    )


def _groups(
    view: "ListView", args: MultiDict[str, str], errors: Mapping[str, str], fresh: str, count: int
) -> list[Group]:
    lines: dict[int, list[Line]] = {}
    for mark in where.MARKS:
        head = where.read_head(view.spec, args.get(mark, ""))
        if head is not None and any(item.key == head[2] for item in view.filters):
            number, negated, key = head
            field = _field(view, args, errors, mark, key)
            lines.setdefault(number, []).append(Line(mark, negated, field, mark == fresh))
    shown = max([count, *lines])
    return [Group(number, where.join(args, f"g{number}"), lines.get(number, [])) for number in range(1, shown + 1)]


def _value(rule: Filter, under: where.Under) -> dict[str, Any]:
    try:
        value = rule.parse(under, current_zone())
    except BadValue:
        return {}
    return {} if value is None else {rule.key: value}


def _field(view: "ListView", args: MultiDict[str, str], errors: Mapping[str, str], mark: str, key: str) -> PanelField:
    """A filter as its panel draws it, with all names under the mark of its row."""
    rule, item = view.spec.by_key[key], next(field for field in view.filters if field.key == key)
    under = where.Under(args, mark)
    typed = {name: under.get(name, "") for name in rule.params}
    mine = {name.removeprefix(f"{mark}."): code for name, code in errors.items() if name.startswith(f"{mark}.")}
    state = ListState(filters=_value(rule, under), errors=mine, typed=typed)
    drawn = panel.draw(db.session(), view.spec, state, item, under)
    return replace(
        drawn,
        key=f"{mark}.{key}",
        typed={f"{mark}.{name}": value for name, value in drawn.typed.items()},
        errors={f"{mark}.{name}": slip(code) for name, code in mine.items()},
        counts=False,
    )
