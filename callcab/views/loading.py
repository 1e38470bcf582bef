"""Tables that support loads: what was sent, the columns with a sample, then the counts of an import."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import CabSession, unit_of_work
from callcab.lib import csv_io
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError, Invalid
from callcab.models import BlacklistSource, NumberKind, Operation, PromoBatch, RowOutcome, StoredFile
from callcab.services import loading, stored_file
from callcab.services import operation as operations
from callcab.views.blacklist import (
    INLINE_BYTES,
    SOURCES,
    TEXT_LIMIT,
    UPLOAD_LIMIT,
    count_now,
    csv_rows_limit,
    read_input,
)
from callcab.views.job_words import row_reason
from callcab.web import errors, theme
from callcab.web.access import Page, allow_upload, current_actor, current_scope, may
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l

WAYS = [(item.value, SOURCES[item]) for item in (BlacklistSource.HAND, BlacklistSource.CLIPBOARD, BlacklistSource.FILE)]


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
            ways=WAYS,
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
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
        try:
            row = operations.get(db.session, number, customer_id=None)
        except DomainError:
            abort(404)
        titles = loading.titled(row.params)
        if titles is None or not operations.may_handle(row, current_actor()):
            abort(404)
        return _as_csv(row, titles)


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
    text = request.args.get("batch", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
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
    _source, stream, name = read_input()
    file = stored_file.upload(
        session,
        stream,
        name=name,
        content_type="application/octet-stream",
        customer_id=None,
        created_by=current_actor().user_id,
        limit=UPLOAD_LIMIT,
    )
    csv_io.sniff(stored_file.path(file))
    return file


def _file_or_404(text: str) -> StoredFile:
    """A file that this person has sent; 404 for any other."""
    file_id = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    try:
        file = stored_file.get(db.session(), file_id, customer_id=None)
        if file.customer_id is not None or file.created_by != current_actor().user_id:
            abort(404)
        csv_io.sniff(stored_file.path(file))
    except (DomainError, FileError):
        abort(404)
    return file


def _read_columns(guess: loading.Guess, table: loading.Table) -> loading.Columns:
    """What a person chose; a place that is not there is none."""
    fields = {}
    for field in table.fields:
        text = request.form.get(field.key, "")
        if text.isascii() and text.isdigit() and int(text) < len(guess.titles):
            fields[field.key] = int(text)
    header = guess.columns.header or (guess.first_line if request.form.get("header") else 0)
    return loading.Columns(header, fields, guess.titles)


def _start(table: loading.Table, file: StoredFile, columns: loading.Columns, extra: Mapping[str, Any]) -> int:
    """Have the table counted; a small one before the answer. Raises Invalid for columns that can't be used."""
    loading.check_columns(columns, table)
    with unit_of_work(current_scope()) as session:
        made = operations.start_import(
            session,
            name=table.name,
            file=file,
            params={"columns": columns.stored(), **extra},
            actor=current_actor(),
            customer_id=None,
        )
        if file.size <= INLINE_BYTES:
            count_now(session, made)
        return int(made.id)


def _as_csv(row: Operation, titles: list[str]) -> Response:
    rows = operations.result_rows(db.session(), row, outcome=RowOutcome.FAILED, after=0, limit=csv_rows_limit())
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    if any(titles):
        writer.writerow([*map(csv_io.safe_cell, titles), _("Причина отказа")])
    for item in rows:
        cells = (item.after or {}).get("cells", [])
        cells = [*cells, *[""] * (len(titles) - len(cells))]
        writer.writerow([*map(csv_io.safe_cell, cells), row_reason(item)])
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="rejected-{row.id}.csv"'
    return answer


# Only here may a body be as large as a list file.
allow_upload("admin_load.new_view", body=UPLOAD_LIMIT, text=TEXT_LIMIT)


def support_views() -> list[Page]:
    return [Loading()]
