"""Tables that support loads: what was sent, the columns with a sample, then the counts of an import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import CabSession, unit_of_work
from callcab.lib import csv_io
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError, Invalid
from callcab.models import NumberKind, OperationRow, PromoBatch, StoredFile
from callcab.services import loading, stored_file
from callcab.services import operation as operations
from callcab.services.listing import decode_id
from callcab.views.job_words import row_reason
from callcab.web import errors, theme, uploads
from callcab.web.access import Page, allow_upload, current_actor, current_scope, may
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l


@dataclass(frozen=True)
class Target:
    """What is loaded: the table of the service, its words, and where one came from."""

    table: str
    title: Any
    hint: Any
    labels: Mapping[str, Any]
    back: str


TARGETS = {
    "numbers": Target(
        "number.load",
        _l("Загрузить номера в пул"),
        _l("Общие номера: телефон и, если есть, заметка. Все номера станут свободными."),
        {"phone": _l("Номер телефона"), "note": _l("Заметка")},
        "/admin/numbers/",
    ),
    "promo-codes": Target(
        "promo_code.load",
        _l("Загрузить промокоды"),
        _l("Коды от 8 до 32 латинских букв и цифр; номинал, срок и число активаций — как у выпуска."),
        {"code": _l("Промокод")},
        "/admin/promos/",
    ),
    "clients": Target(
        "customer.load",
        _l("Загрузить клиентов"),
        _l("Тариф — тот, что для новых клиентов. Приглашения владельцам сами не уходят: отправьте их из карточек."),
        {"name": _l("Название"), "email": _l("Почта владельца"), "inn": _l("ИНН"), "owner": _l("Имя владельца")},
        "/admin/clients/",
    ),
}


class Loading(Page):
    """Every address asks the permission of its table besides."""

    permission = "job.read"
    menu_hidden = True

    def __init__(self) -> None:
        super().__init__(
            name=_l("Загрузка"),
            category=theme.SYSTEM,
            endpoint="admin_load",
            url="/admin/load",
            menu_icon_value="file-import",
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Loads are among the operations."""
        return redirect("/admin/jobs/")

    @expose("/<what>/", methods=("GET", "POST"))
    def new_view(self, what: str) -> ResponseReturnValue:
        """Numbers, codes or customers by hand, from the clipboard or from a file."""
        target, table = _target(what)
        extra, problem = _extra(what), ""
        if request.method == "POST":
            try:
                with unit_of_work(current_scope()) as session:
                    file_id = _keep(session).id
                return redirect(f"/admin/load/{what}/columns/?file={file_id}{_query(extra)}", 303)
            except FileError as refusal:
                problem = errors.message(Invalid(f"file.{refusal.reason}"))
            except DomainError as refusal:
                problem = errors.message(refusal)
        page = self.render(
            "support/loading/new.html",
            target=target,
            fields=[(target.labels[field.key], field.required) for field in table.fields],
            extra=_extra_words(what, extra),
            action=request.full_path.rstrip("?"),
            way=request.values.get("way", "file"),
            ways=uploads.WAYS,
            typed=request.form,
            problem=problem,
            crumbs=[{"url": "", "name": target.title}],
        )
        return page, 422 if problem else 200

    @expose("/<what>/columns/", methods=("GET", "POST"))
    def columns_view(self, what: str) -> ResponseReturnValue:
        """Which column is which field; a sample of the rows beside it."""
        target, table = _target(what)
        extra, file = _extra(what), _file_or_404(request.args.get("file", ""))
        guess = loading.guess(stored_file.path(file), table)
        columns = _read_columns(guess, table) if request.method == "POST" else guess.columns
        problem, at_fault = "", ""
        if request.method == "POST":
            try:
                return redirect(f"/admin/jobs/details/?id={_start(table, file, columns, extra)}", 303)
            except DomainError as refusal:
                problem, at_fault = errors.message(refusal), refusal.field or ""
        page = self.render(
            "support/loading/columns.html",
            target=target,
            table=table,
            file=file,
            guess=guess,
            columns=columns,
            action=request.full_path,
            back=f"/admin/load/{what}/?{_query(extra)}",
            problem=problem,
            at_fault=at_fault,
            crumbs=[
                {"url": f"/admin/load/{what}/?{_query(extra)}", "name": target.title},
                {"url": "", "name": file.name},
            ],
        )
        return page, 422 if problem else 200

    @expose("/rejected/")
    def rejected_view(self) -> ResponseReturnValue:
        """The refused rows of a load with all their cells and the reason, to be put right and loaded again."""
        try:
            row = operations.get(db.session, decode_id(request.args.get("id", "")) or 0, customer_id=None)
        except DomainError:
            abort(404)
        titles = loading.titled(row.params)
        if titles is None or not operations.may_handle(row, current_actor()):
            abort(404)
        heading = [*map(csv_io.safe_cell, titles), _("Причина отказа")] if any(titles) else []
        return uploads.rejected_file(row, heading, lambda item: [*_cells(item, len(titles)), row_reason(item)])


def _target(what: str) -> tuple[Target, loading.Table]:
    """404 for what can't be loaded, 403 for who may not load it."""
    target = TARGETS.get(what)
    if target is None:
        abort(404)
    table = loading.get(target.table)
    if not may(table.permission):
        abort(403)
    return target, table


def _extra(what: str) -> dict[str, Any]:
    """What the rows have in common: the kind of numbers, the batch of codes. 404 for a batch that is not there."""
    if what == "numbers":
        return {"kind": NumberKind.SHARED.value}
    if what != "promo-codes":
        return {}
    number = decode_id(request.args.get("batch", "")) or 0
    if db.session().get(PromoBatch, number) is None:
        abort(404)
    return {"batch_id": number}


def _query(extra: Mapping[str, Any]) -> str:
    return f"&batch={extra['batch_id']}" if "batch_id" in extra else ""


def _extra_words(what: str, extra: Mapping[str, Any]) -> str:
    if what != "promo-codes":
        return ""
    batch = db.session().get_one(PromoBatch, extra["batch_id"])
    return _("Выпуск: %(name)s", name=batch.name)


def _keep(session: CabSession) -> StoredFile:
    """What the form holds, as a file. Raises FileError for one that is refused whole, Invalid."""
    _way, file = uploads.keep_input(session, None)
    # What was typed is a table, too.
    csv_io.sniff(stored_file.path(file))
    return file


def _file_or_404(text: str) -> StoredFile:
    """A file that this person has sent; 404 for any other."""
    file = uploads.kept_or_404(text, None)
    if file.customer_id is not None or file.created_by != current_actor().user_id:
        abort(404)
    return file


def _read_columns(guess: loading.Guess, table: loading.Table) -> loading.Columns:
    """What a person chose; a place that is not there is none."""
    width = len(guess.titles)
    chosen = {field.key: uploads.chosen_place(request.form.get(field.key, ""), width) for field in table.fields}
    fields = {key: place for key, place in chosen.items() if place is not None}
    header = guess.columns.header or (guess.first_line if request.form.get("header") else 0)
    return loading.Columns(header, fields, guess.titles)


def _start(table: loading.Table, file: StoredFile, columns: loading.Columns, extra: Mapping[str, Any]) -> int:
    """Have the table counted; a small one before the answer. Raises Invalid for columns that can't be used."""
    loading.check_columns(columns, table)
    with unit_of_work(current_scope()) as session:
        params = {"columns": columns.stored(), **extra}
        return int(uploads.start_import(session, table.name, file, params, customer_id=None).id)


def _cells(row: OperationRow, width: int) -> list[str]:
    cells = (row.after or {}).get("cells", [])
    return [csv_io.safe_cell(cell) for cell in [*cells, *[""] * (width - len(cells))]]


# Only here may a body be as large as a list file.
allow_upload("admin_load.new_view", body=uploads.UPLOAD_LIMIT, text=uploads.TEXT_LIMIT)


def support_views() -> list[Page]:
    return [Loading()]
