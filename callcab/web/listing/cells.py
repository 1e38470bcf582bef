"""One cell changed in its list: in place with scripts, on a page with one field without.

Whoever comes second sees both values and decides; the field carries the value that was seen
(docs/adr/0016-a-cell-knows-its-value.md).
"""

from typing import TYPE_CHECKING, Any

from flask import Response, abort, flash, make_response, request
from flask.typing import ResponseReturnValue

from callcab.db import unit_of_work
from callcab.lib.errors import DomainError
from callcab.web import errors
from callcab.web.database import db
from callcab.web.formatters import DASH, html_text
from callcab.web.language import gettext
from callcab.web.listing.access import may, request_actor, request_scope
from callcab.web.listing.acting import go
from callcab.web.listing.address import Request
from callcab.web.listing.declare import CellEdit

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView

# What the script of the list says of itself; it gets parts of pages.
IN_PLACE = "X-Cell"


def may_edit(edit: CellEdit) -> bool:
    """Whether the person who is signed in may change cells of this column."""
    return may(edit.permission)


def answer(view: "ListView") -> ResponseReturnValue:
    """GET and POST /cell/?id=N&field=KEY."""
    edit = next((item for item in view.edits if item.key == request.args.get("field", "")), None)
    if edit is None:
        abort(404)
    if not may_edit(edit):
        abort(403)
    row = view.row_or_404(request.args.get("id", ""))
    if request.method == "GET":
        value = edit.value(row)
        return make_response(_form(view, edit, row, value=value, seen=value))
    value, seen = request.form.get("value", ""), request.form.get("seen", "")
    try:
        with unit_of_work(request_scope()) as session:
            edit.save(session, row.id, value=value, seen=seen, actor=request_actor())
    except DomainError as problem:
        return _refused(view, edit, row, problem, value, seen)
    return _saved(view, edit, row.id)


def _saved(view: "ListView", edit: CellEdit, row_id: int) -> ResponseReturnValue:
    if not request.headers.get(IN_PLACE):
        flash(gettext("Сохранено."), "success")
        return go(f"{view.url}/{Request(view.spec, request.args).stay()}")
    db.session().refresh_view()
    row = view.row_or_404(str(row_id))
    cell = next(column.cell for column in view.columns if column.key == edit.key)(row)
    response = Response(html_text(cell) or DASH if cell is not None else DASH, mimetype="text/html")
    response.headers["X-Saved"] = "1"
    return response


def _refused(
    view: "ListView", edit: CellEdit, row: Any, problem: DomainError, value: str, seen: str
) -> ResponseReturnValue:
    theirs = None
    if problem.code == "cell.changed":
        # Saving again is a decision made with both values in sight.
        seen = str(problem.params["now"])
        theirs = _named(edit, seen) or DASH
    text = errors.message(problem)
    return make_response(_form(view, edit, row, value=value, seen=seen, problem=text, theirs=theirs), problem.status)


def _named(edit: CellEdit, value: str) -> str:
    choices = dict(edit.choices(db.session())) if edit.choices else {}
    return str(choices.get(value, value))


def _form(
    view: "ListView", edit: CellEdit, row: Any, *, value: str, seen: str, problem: str = "", theirs: str | None = None
) -> str:
    here = Request(view.spec, request.args)
    title = gettext("%(what)s: %(row)s", what=edit.label, row=view.name_of(row))
    return str(
        view.render(
            "callcab/cell.html",
            edit=edit,
            choices=edit.choices(db.session()) if edit.choices else None,
            value=value,
            seen=seen,
            problem=problem,
            theirs=theirs,
            title=title,
            target=f"{view.url}/cell/{here.stay(id=row.id, field=edit.key)}",
            back=f"{view.url}/{here.stay()}",
            crumbs=[{"url": f"{view.url}/", "name": view.name}, {"url": "", "name": title}],
        )
    )
