"""The file of a list: as it stands by one click, or with its format, columns and rows chosen before."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, request
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from callcab.db import unit_of_work
from callcab.lib.errors import DomainError
from callcab.models import Operation
from callcab.services import operation as operations
from callcab.services.listing import ListState, decode_id, to_json
from callcab.services.listing.state import PAGE_SIZES
from callcab.web import errors
from callcab.web.database import db
from callcab.web.formatters import moment
from callcab.web.forms import Form
from callcab.web.language import gettext
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import page
from callcab.web.listing.access import may, request_actor, request_scope
from callcab.web.listing.acting import go, leave
from callcab.web.listing.address import Request

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView

FORMATS = [("csv", _l("CSV: для любых программ")), ("xlsx", _l("XLSX: для Excel"))]


class FileForm(Form):
    """What the file holds."""

    format = RadioField(_l("Формат"), choices=FORMATS, default="csv")
    columns = SelectMultipleField(
        _l("Столбцы"),
        [InputRequired(_l("Выберите хотя бы один столбец."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    only_new = BooleanField(_l("Только новое с прошлой выгрузки"))


def answer(view: "ListView") -> ResponseReturnValue:
    """GET and POST /export/."""
    if not view.export_permission or not may(view.export_permission):
        abort(403 if view.export_permission else 404)
    state = page.without_place(page.read_state(view))
    if state.errors:
        return leave(view, gettext("В фильтре есть ошибка: исправьте её и повторите."), "error")
    if request.method == "POST" and not request.form.get("chosen"):
        return _started(view, state, {"format": "xlsx" if request.form.get("format") == "xlsx" else "csv"})
    return _choose(view, state)


def _choose(view: "ListView", state: ListState) -> ResponseReturnValue:
    """Ask what the file should hold, then have it made."""
    form, columns = file_form(FileForm, view)
    last = _last_export(view, state)
    if last is None:
        del form.only_new
    else:
        form.only_new.description = gettext("Добавленное с %(moment)s", moment=moment(last - operations.OVERLAP))
    if request.method == "POST" and form.validate():
        params = params_of(form, columns)
        if last is not None and form.only_new.data:
            params["only_new"] = True
            state = operations.narrowed(state, last)
        return _started(view, state, params)
    body = view.render(
        "callcab/export.html",
        form=form,
        target=f"{view.url}/export/{Request(view.spec, request.args).url()}",
        back=f"{view.url}/{Request(view.spec, request.args).url()}",
        crumbs=[{"url": f"{view.url}/", "name": view.name}, {"url": "", "name": gettext("Скачать файл")}],
    )
    return make_response(body, 422 if form.errors else 200)


def file_form(kind: type[FileForm], view: "ListView") -> tuple[Any, list[tuple[str, str]]]:
    """The form with what was sent, or with every column of the list chosen; and these columns. 404 without any."""
    columns = operations.export_columns(f"{view.spec.name}.export", _word)
    if not columns:
        abort(404)
    form = kind(request.form or None, columns=[key for key, _heading in columns])
    form.columns.choices = list(columns)
    return form, columns


def params_of(form: FileForm, columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What the operation is told: its format, and its columns unless they are all."""
    chosen = form.columns.data or []
    return {"format": form.format.data} | ({"columns": chosen} if len(chosen) < len(columns) else {})


def _last_export(view: "ListView", state: ListState) -> Any:
    if not operations.can_continue(view.spec, state):
        return None
    return operations.last_export(db.session(), view.spec, state, actor=request_actor(), customer_id=view.customer_id())


def _started(view: "ListView", state: ListState, params: dict[str, Any]) -> ResponseReturnValue:
    """Ticked rows, or all that match."""
    ids = [value for value in map(decode_id, request.form.getlist("id")) if value is not None][: max(PAGE_SIZES)]
    try:
        with unit_of_work(request_scope()) as session:
            operation = operations.start(
                session,
                kind="export",
                name=f"{view.spec.name}.export",
                spec_name=view.spec.name,
                state=to_json(state),
                ids=ids or None,
                params=params,
                expected=None,
                actor=request_actor(),
                customer_id=view.customer_id(),
            )
            url = view.operation_url(operation)
    except DomainError as problem:
        return leave(view, errors.message(problem), "error")
    flash(gettext("Готовим файл: он появится на этой странице."), "success")
    return go(url)


def chosen_columns(row: Operation) -> Sequence[str]:
    """The headings of the columns that were chosen for a file; none when it holds all."""
    wanted = row.params.get("columns")
    if not wanted:
        return ()
    return [heading for key, heading in operations.export_columns(row.name, _word) if key in wanted]


def _word(code: str) -> str:
    return str(errors.TEXTS.get(code, code))
