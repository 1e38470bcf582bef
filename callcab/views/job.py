"""Operations: what was asked for, how far it is, what came of it, and its file."""

from typing import Any

from flask import abort, make_response, redirect, request, send_file
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import DomainError
from callcab.models import AuditEvent, Operation, OperationKind, OperationState, RowOutcome, StoredFile
from callcab.permissions import STAFF_ROLES
from callcab.services import loading, stored_file
from callcab.services import operation as operations
from callcab.services.specs.job import JOB
from callcab.views.job_words import (
    KINDS,
    LIVE,
    OPEN,
    OUTCOMES,
    STATES,
    behind,
    counted,
    progress_of,
    reason_of,
    result_of,
    row_reason,
    state_of,
    title_of,
)
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, following, live, theme
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_customer_id, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import DASH, link, moment, number, size
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, FilterField, ListView, PageAction, chosen, chosen_columns
from callcab.web.listing.acting import go, way_back

ROWS = 50
# Where the rows of a table went: address and words of a link.
LOADED = {
    "number.load": lambda row: ("/admin/numbers/", _("К номерам")),
    "promo_code.load": lambda row: (f"/admin/promo-codes/?batch={row.params['batch_id']}", _("К кодам выпуска")),
    "customer.load": lambda row: ("/admin/clients/", _("К клиентам")),
}


def may_download(row: Operation) -> bool:
    return row.state is OperationState.DONE and operations.may_download(row, current_actor())


class JobView(ListView):
    """Common to support and cabinet; details, progress, download and cancelling are doors of their own."""

    spec = JOB
    slug = "jobs"
    label = _l("Операции")
    group = theme.SYSTEM
    icon = "list-check"
    permission = "job.read"
    can_view_details = True
    search_label = _l("Номер операции")
    empty = Empty(
        _l("Операций пока нет"), _l("Здесь появятся загрузки, выгрузки и действия над списками."), "list-check"
    )
    filters = (
        FilterField("state", _l("Состояние"), {key.value: text for key, (text, _tone) in STATES.items()}, counts=False),
        FilterField("kind", _l("Вид"), {key.value: text for key, text in KINDS.items()}, counts=False),
        FilterField("created_at", _l("Создано")),
    )

    def name_of(self, row: Any) -> str:
        return _("%(what)s № %(number)s", what=title_of(row), number=row.id)

    def author_of(self, row: Operation) -> str:
        return operations.name_of_actor(row, to_staff=self.face == "admin") or _("Поддержка")

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """One operation: its state stays fresh by itself, or by the link «Обновить»."""
        row = self.row_or_404(request.args.get("id", ""))
        after = request.args.get("after", "0")
        rows = operations.result_rows(
            db.session,
            row,
            outcome=_outcome(),
            after=int(after) if after.isdigit() and len(after) < 10 else 0,
            limit=ROWS + 1,
        )
        return self.render(
            "cabinet/jobs/details.html",
            rows=[(item, *OUTCOMES[item.outcome], row_reason(item)) for item in rows[:ROWS]],
            next_after=rows[ROWS - 1].position if len(rows) > ROWS else None,
            outcome=request.args.get("outcome", ""),
            can_cancel=row.state in OPEN and operations.may_handle(row, current_actor()),
            can_confirm=row.state is OperationState.READY and operations.may_confirm(row, current_actor()),
            undo_until=operations.undo_until(row) if operations.may_undo(db.session(), row, current_actor()) else None,
            undone_by=self._undone_by(row),
            downloads=self._downloads(row),
            undo_words=way_back(row.name) if row.state is OperationState.READY else "",
            crumbs=[{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": self.name_of(row)}],
            **self._shown(row),
        )

    @expose("/progress/")
    def progress_view(self) -> ResponseReturnValue:
        """The moving part only; the page is loaded again once nothing moves."""
        row = self.row_or_404(request.args.get("id", ""))
        if not request.headers.get("HX-Request"):
            return redirect(f"{self.url}/details/?id={row.id}")
        answer = make_response(self.render("cabinet/jobs/_progress.html", **self._shown(row)))
        if row.state not in LIVE:
            answer.headers["HX-Refresh"] = "true"
        return answer

    @expose("/live/")
    def live_view(self) -> ResponseReturnValue:
        """Says when the moving part has changed."""
        operation_id = self.row_or_404(request.args.get("id", "")).id

        def look(session: CabSession) -> str | None:
            row = session.get(Operation, operation_id)
            return f"{row.state.value}:{counted(row)}" if row is not None and row.state in LIVE else None

        return live.stream(look)

    @expose("/download/")
    @requires("file.read")
    def download_view(self) -> ResponseReturnValue:
        """The file of an operation, as far as it is written, for whoever may make the same; 404 for everybody else."""
        row = self.row_or_404(request.args.get("id", ""))
        growing = operations.followed(row, current_actor())
        if growing is not None:
            return self._follow(row, growing)
        if not may_download(row):
            abort(404)
        with unit_of_work(current_scope()) as session:
            file = stored_file.get(session, row.output_file_id, customer_id=current_customer_id())
            path = stored_file.path(file)
            stored_file.count_download(session, file)
            operations.note_download(session, row, actor=current_actor())
        answer = send_file(path, as_attachment=True, download_name=file.name, max_age=0)
        # As it is: a mimetype of text would get a second charset.
        answer.content_type = file.content_type
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    def _follow(self, row: Operation, file: operations.Unfinished) -> ResponseReturnValue:
        try:
            return following.stream(row.id, file)
        except DomainError as problem:
            errors.flash_error(problem)
            return redirect(f"{self.url}/details/?id={row.id}")

    @expose("/cancel/", methods=("POST",))
    @requires("job.read")
    def cancel_view(self) -> ResponseReturnValue:
        """Stop what is not over yet."""
        return self._change(
            operations.may_handle, lambda session, row: operations.cancel(session, row.id, actor=current_actor())
        )

    @expose("/confirm/", methods=("POST",))
    @requires("job.read")
    def confirm_view(self) -> ResponseReturnValue:
        """Let a counted import write."""
        seen = request.form.get("expected", "")
        expected = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else None
        return self._change(
            operations.may_confirm,
            lambda session, row: operations.confirm(session, row.id, expected=expected, actor=current_actor()),
        )

    @expose("/undo/", methods=("GET", "POST"))
    @requires("job.read")
    def undo_view(self) -> ResponseReturnValue:
        """The question before a deed is undone, and the undoing."""
        row = self.row_or_404(request.values.get("id", ""))
        if not operations.may_confirm(row, current_actor()):
            abort(403)
        details = f"{self.url}/details/?id={row.id}"
        try:
            if request.method == "GET":
                operations.check_undo(db.session(), row, current_actor())
                return self._ask_undo(row, details)
            with unit_of_work(current_scope()) as session:
                number = operations.undo(session, row.id, actor=current_actor()).id
        except DomainError as problem:
            errors.flash_error(problem)
            return go(details)
        return go(f"{self.url}/details/?id={number}")

    def _ask_undo(self, row: Operation, details: str) -> ResponseReturnValue:
        more = errors.TEXTS.get(f"operation.undo.{row.name}")
        return self.render(
            "cabinet/jobs/undo.html",
            row=row,
            title=self.name_of(row),
            what=[errors.TEXTS[f"operation.undo.{operations.way_of(row)}"], *([] if more is None else [more])],
            facts=self._undo_facts(row),
            details=details,
            crumbs=[
                {"url": f"{self.url}/", "name": self.name},
                {"url": details, "name": self.name_of(row)},
                {"url": "", "name": _("Отменить действие")},
            ],
        )

    def _undo_facts(self, row: Operation) -> list[tuple[str, str]]:
        skips = operations.undo_skips(db.session(), row)
        return [
            (_("Сделано строк"), number(row.done)),
            *([] if skips is None else [(_("Будет пропущено"), number(skips))]),
            (_("Отменить можно до"), moment(operations.undo_until(row))),
        ]

    def _undone_by(self, row: Operation) -> tuple[str, str, str] | None:
        """How far the undoing of this operation is, and a link to it: name and address; the last of several tries."""
        found = operations.undone_by(db.session(), row)
        if found is None:
            return None
        if found.state is OperationState.DONE:
            words = _("Действие отменено %(when)s.", when=moment(found.finished_at))
        elif found.state in OPEN:
            words = _("Действие отменяется.")
        else:
            words = _("Отмена не закончена: её можно начать ещё раз.")
        return words, _("Операция № %(number)s", number=found.id), f"{self.url}/details/?id={found.id}"

    def _change(self, may: Any, deed: Any) -> ResponseReturnValue:
        row = self.row_or_404(request.form.get("id", ""))
        if not may(row, current_actor()):
            abort(403)
        try:
            with unit_of_work(current_scope()) as session:
                deed(session, row)
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/details/?id={row.id}", 303)

    def _shown(self, row: Operation) -> dict[str, Any]:
        text, tone = STATES[row.state]
        return {
            "row": row,
            "title": self.name_of(row),
            "state_text": text,
            "tone": tone,
            "live": row.state in LIVE,
            "counted": counted(row),
            "result": result_of(row),
            "failure": reason_of(row) if row.error_code else "",
            "can_download": may_download(row),
            "can_follow": operations.followed(row, current_actor()) is not None,
            "facts": self._facts(row),
            # Whoever has just saved numbers wants to see them.
            "section": self._section(row),
            "of_table": loading.titled(row.params) is not None,
            "rejected_url": self._rejected_url(row),
        }

    def _section(self, row: Operation) -> tuple[str, str] | None:
        """Where the numbers of an operation went: address and words of a link."""
        if behind(row).startswith("blacklist."):
            return f"/{self.face}/blacklist/", _("К чёрному списку")
        if row.name.startswith("contact_list.") and "list_id" in row.params:
            return f"/{self.face}/contact-lists/details/?id={row.params['list_id']}", _("К списку контактов")
        if row.name in LOADED:
            return LOADED[row.name](row)
        return None

    def _rejected_url(self, row: Operation) -> str:
        """The file of refused rows, to be put right and loaded again."""
        if row.kind is not OperationKind.IMPORT or not row.failed:
            return ""
        if loading.titled(row.params) is not None:
            return f"/{self.face}/load/rejected/?id={row.id}" if operations.may_handle(row, current_actor()) else ""
        return f"/{self.face}/blacklist/rejected/?id={row.id}" if may("blacklist.edit") else ""

    def _facts(self, row: Operation) -> list[tuple[str, Any]]:
        return [
            *self._undoes(row),
            (_("Создано"), moment(row.created_at)),
            (_("Кто"), self.author_of(row)),
            *self._chosen(row),
            *self._columns_of_file(row),
            (_("Начато"), moment(row.started_at)),
            (_("Закончено"), moment(row.finished_at)),
            *(self._file_facts(row) if may_download(row) else []),
        ]

    def _undoes(self, row: Operation) -> list[tuple[str, Any]]:
        if row.undo_of_id is None:
            return []
        number_of = _("№ %(number)s", number=row.undo_of_id)
        return [(_("Отменяет"), link(f"{self.url}/details/?id={row.undo_of_id}", number_of))]

    def _chosen(self, row: Operation) -> list[tuple[str, str]]:
        found = None if row.undo_of_id is not None else chosen(db.session(), self.admin._views, row)
        return [] if found is None else [(_("Что выбрано"), found)]

    def _columns_of_file(self, row: Operation) -> list[tuple[str, str]]:
        found = chosen_columns(row) if row.kind is OperationKind.EXPORT else ()
        return [(_("Столбцы"), ", ".join(found))] if found else []

    def _file_facts(self, row: Operation) -> list[tuple[str, Any]]:
        file = db.session().get_one(StoredFile, row.output_file_id)
        return [
            (_("Файл"), f"{file.name}, {size(file.size)}"),
            (_("SHA-256 файла"), file.sha256),
            (_("Скачать можно до"), moment(file.expires_at)),
            (_("Скачан, раз"), number(file.downloads)),
        ]

    def _downloads(self, row: Operation) -> list[dict[str, Any]]:
        """Who fetched the file and when, the last first, for whoever may fetch it himself."""
        if not operations.may_handle(row, current_actor()):
            return []
        told = operations.downloads(db.session(), row)
        return [{"at": one.created_at, "title": self._fetcher(one)} for one in told]

    def _fetcher(self, event: AuditEvent) -> str:
        """A customer is not told which person of support it was."""
        hidden = self.face == "cabinet" and event.actor_role in STAFF_ROLES
        return _("Поддержка") if hidden else event.actor_name


def _schedules(face: str) -> PageAction:
    return PageAction(_l("По расписанию"), f"/{face}/file-schedules/", icon="calendar-event", primary=False)


def _outcome() -> RowOutcome | None:
    asked = request.args.get("outcome", "")
    return RowOutcome(asked) if asked in tuple(RowOutcome) else None


def _columns(view: type[JobView]) -> tuple[Column, ...]:
    return (
        Column("created_at", _l("Создано"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column(
            "author",
            _l("Кто"),
            lambda row: operations.name_of_actor(row, to_staff=view.face == "admin") or _("Поддержка"),
        ),
        Column("what", _l("Что"), title_of, kind="main", link=True),
        Column("progress", _l("Прогресс"), lambda row: Markup("{} {}").format(state_of(row), progress_of(row))),
        Column("result", _l("Итог"), result_of),
        Column(
            "file",
            _l("Файл"),
            lambda row: link(f"/{view.face}/jobs/download/?id={row.id}", _("Скачать")) if may_download(row) else DASH,
        ),
    )


class SupportJobs(JobView):
    face = "admin"
    page_actions = (_schedules("admin"),)
    intro = _l("Загрузки, выгрузки и действия над списками: всех клиентов и поддержки.")


class CabinetJobs(JobView):
    face = "cabinet"
    page_actions = (_schedules("cabinet"),)
    intro = _l("Загрузки, выгрузки и действия над списками. Файлы хранятся 24 часа.")


SupportJobs.columns = (
    *_columns(SupportJobs),
    Column("customer", _l("Клиент"), words.customer_link),
)
SupportJobs.filters = (*JobView.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
CabinetJobs.columns = _columns(CabinetJobs)


def support_views() -> list[ListView]:
    return [SupportJobs()]


def cabinet_views() -> list[ListView]:
    return [CabinetJobs()]
