"""Saved views above a list: tabs with live counts, a short link to each, keeping and forgetting one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from callcab.db import unit_of_work
from callcab.lib.errors import DomainError, NotFound
from callcab.models import SavedView
from callcab.services import export_schedule, saved_view
from callcab.services.listing import count_matching, parse
from callcab.web import errors
from callcab.web.database import db
from callcab.web.formatters import current_zone, number
from callcab.web.forms import Form
from callcab.web.language import gettext
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing.access import request_actor, request_scope, who
from callcab.web.listing.acting import go
from callcab.web.listing.address import Request

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView


@dataclass(frozen=True)
class ViewTab:
    """A tab above the list."""

    id: int
    name: str
    url: str
    active: bool
    shared: bool = False
    deletable: bool = False


class SaveForm(Form):
    """A view's name, and who sees it."""

    name = StringField(_l("Название"), [InputRequired(), Length(max=saved_view.LONGEST_NAME)])
    shared = BooleanField(_l("Видят все коллеги"))


def list_context(view: "ListView", here: Request) -> dict[str, Any]:
    """Variables of callcab/list.html: the views that this person sees, which of them is open, whether to keep one."""
    actor, now = request_actor(), here.kept
    # Most people keep no views of most lists.
    any_seen = view.spec.name in who().viewed_lists
    tabs = [
        ViewTab(
            id=row.id,
            name=row.name,
            url=address(view, row),
            active=_pairs(row) == now,
            shared=row.shared,
            deletable=saved_view.may_delete(row, actor),
        )
        for row in (saved_view.of_list(db.session(), view.spec.name, actor=actor) if any_seen else ())
    ]
    return {
        "views": tabs,
        "view_open": next((tab for tab in tabs if tab.active), None),
        "view_new": f"{view.url}/views/save/{here.url()}" if now else "",
        "view_whole": not now,
    }


def address(view: "ListView", row: Any) -> str:
    """The list as the view shows it."""
    return f"{view.url}/{Request(view.spec, MultiDict(_pairs(row))).url()}"


def open_view(view: "ListView", view_id: int) -> ResponseReturnValue:
    """Go where the view leads. A part of it that the list no longer knows is told, never dropped in silence."""
    row = _get(view, view_id)
    target = address(view, row)
    if Request(view.spec, MultiDict(_pairs(row))).kept != _pairs(row):
        flash(
            gettext("Вид «%(name)s» устарел: часть его условий в этом списке больше не действует.", name=row.name),
            "warning",
        )
    return redirect(target)


def counts(view: "ListView") -> dict[str, str]:
    """How many rows each view shows now, by its id."""
    found = {}
    for row in saved_view.of_list(db.session(), view.spec.name, actor=request_actor()):
        state = parse(view.spec, MultiDict(_pairs(row)), zone=current_zone())
        count = count_matching(db.session(), view.spec, state, customer_id=view.customer_id(), cap=view.spec.count_cap)
        found[str(row.id)] = number(count.value) + ("+" if count.capped else "")
    return found


def save(view: "ListView") -> ResponseReturnValue:
    """Ask for a name, then keep what the address asks."""
    actor = request_actor()
    form = SaveForm(request.form if request.method == "POST" else None)
    if not saved_view.may_share(actor):
        del form.shared
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work(request_scope()) as session:
                saved_view.save(
                    session,
                    list_name=view.spec.name,
                    name=form.name.data or "",
                    query=Request(view.spec, request.args).kept,
                    shared=bool(form.shared.data) if "shared" in form else False,
                    actor=actor,
                )
        except DomainError as problem:
            form.name.errors = [errors.message(problem)]
        else:
            flash(gettext("Вид сохранён."), "success")
            return go(_here(view))
    page = view.render(
        "callcab/save_view.html",
        form=form,
        target=f"{view.url}/views/save/{Request(view.spec, request.args).url()}",
        back=_here(view),
        crumbs=_crumbs(view, gettext("Сохранить вид")),
    )
    return make_response(page, 422 if form.errors else 200)


def delete(view: "ListView", view_id: int) -> ResponseReturnValue:
    """Ask, then forget the view; the rows that it shows stay."""
    row = _get(view, view_id)
    if not saved_view.may_delete(row, request_actor()):
        abort(403)
    if request.method == "POST":
        with unit_of_work(request_scope()) as session:
            name = saved_view.delete(session, view_id, list_name=view.spec.name, actor=request_actor())
        flash(gettext("Вид «%(name)s» удалён.", name=name), "success")
        return go(f"{view.url}/")
    page = view.render(
        "callcab/delete_view.html",
        row=row,
        schedules=export_schedule.of_view(db.session(), row.id),
        target=f"{view.url}/views/{row.id}/delete/",
        back=address(view, row),
        crumbs=_crumbs(view, gettext("Удалить вид")),
    )
    return make_response(page)


def _get(view: "ListView", view_id: int) -> SavedView:
    try:
        return saved_view.get(db.session(), view_id, list_name=view.spec.name, actor=request_actor())
    except NotFound:
        abort(404)


def _pairs(row: Any) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in row.query]


def _here(view: "ListView") -> str:
    return f"{view.url}/{Request(view.spec, request.args).url()}"


def _crumbs(view: "ListView", title: str) -> list[dict[str, str]]:
    return [{"url": f"{view.url}/", "name": view.name}, {"url": "", "name": title}]
