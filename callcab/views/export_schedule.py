"""Files that come by themselves: what is agreed, and the form that agrees on one for a saved view."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, make_response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import RadioField, SelectField

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import DomainError
from callcab.models import ExportSchedule, Period, SavedView
from callcab.scope import Actor
from callcab.services import export_schedule, forecasts, saved_view
from callcab.services.listing import decode_id
from callcab.services.specs.export_schedule import EXPORT_SCHEDULE
from callcab.views.job_words import STATES
from callcab.web import errors, theme
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_customer_id, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import DASH, current_zone, link, moment, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, ListView, outlook
from callcab.web.listing.acting import go
from callcab.web.listing.filing import FileForm, file_form, params_of
from callcab.web.listing.saved import address

PERIODS = {Period.DAILY: _l("Каждый день"), Period.WEEKLY: _l("Каждую неделю"), Period.MONTHLY: _l("Каждый месяц")}
WEEKDAYS = [
    (1, _l("понедельник")),
    (2, _l("вторник")),
    (3, _l("среда")),
    (4, _l("четверг")),
    (5, _l("пятница")),
    (6, _l("суббота")),
    (7, _l("воскресенье")),
]


class ScheduleForm(FileForm):
    """When a file comes, and what it holds."""

    period = RadioField(_l("Когда"), choices=[(key.value, text) for key, text in PERIODS.items()], default="daily")
    weekday = SelectField(_l("День недели, если раз в неделю"), coerce=int, choices=WEEKDAYS, default=1)
    monthday = SelectField(
        _l("Число, если раз в месяц"),
        coerce=int,
        choices=[(day, str(day)) for day in range(1, 32)],
        default=1,
        description=_l("В коротком месяце — последний его день."),
    )
    hour = SelectField(_l("Час"), coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)], default=9)


def when_words(row: ExportSchedule) -> str:
    """`Каждую неделю: понедельник, 09:00`."""
    day = {Period.WEEKLY: str(dict(WEEKDAYS).get(row.day or 0, "")), Period.MONTHLY: str(row.day)}.get(row.period)
    hour = f"{row.hour:02}:00"
    return f"{PERIODS[row.period]}: {hour if day is None else f'{day}, {hour}'}"


def state_words(row: ExportSchedule) -> Any:
    """Whether it goes on, and for which reason the timetable paused it."""
    if not row.paused:
        return status(_("Идёт"), "good")
    if not row.stopped:
        return status(_("На паузе"), "warn")
    return status(_("Остановлено: %(why)s", why=errors.TEXTS.get(row.stopped, row.stopped)), "bad")


def _each(deed: Any) -> Any:
    """A deed for ticked rows, in the order of their locks."""

    def perform(session: CabSession, rows: Sequence[ExportSchedule], params: dict[str, Any], actor: Actor) -> str:
        for row in sorted(rows, key=lambda item: item.id):
            deed(session, row.id, actor=actor)
        return ""

    return perform


def _switched(*, paused: bool) -> Any:
    return outlook(
        lambda rows, params, actor: forecasts.switch_schedules(actor, paused=paused),
        field=_l("Статус"),
        values={"False": _l("Идёт"), "True": _l("На паузе")},
    )


class ExportSchedules(ListView):
    """What both sides share; reached from «Операции», not from the menu."""

    spec = EXPORT_SCHEDULE
    slug = "file-schedules"
    label = _l("Файлы по расписанию")
    group = theme.SYSTEM
    icon = "calendar-event"
    permission = "job.read"
    menu_visible = False
    intro = _l("Файл сохранённого вида собирается сам, и приходит письмо со ссылкой на него.")
    empty = Empty(
        _l("Расписаний пока нет"),
        _l("Откройте список, сохраните его вид и нажмите «По расписанию»."),
        "calendar-event",
    )
    actions = (
        Action(
            "pause",
            _l("Поставить на паузу"),
            "job.read",
            icon="player-pause",
            perform=_each(export_schedule.pause),
            preview=_switched(paused=True),
            when=lambda row: not row.paused,
        ),
        Action(
            "resume",
            _l("Возобновить"),
            "job.read",
            icon="player-play",
            perform=_each(export_schedule.resume),
            preview=_switched(paused=False),
            when=lambda row: row.paused,
        ),
        Action(
            "delete",
            _l("Удалить"),
            "job.read",
            icon="trash",
            perform=_each(export_schedule.delete),
            preview=outlook(lambda rows, params, actor: forecasts.delete_schedules(actor)),
            question=_l("Удалить расписания: %(count)s?"),
            note=_l("Готовые файлы останутся в операциях."),
            danger=True,
        ),
    )

    def name_of(self, row: Any) -> str:
        return str(row.view.name)

    @expose("/new/", methods=("GET", "POST"))
    @requires("job.read")
    def new_view(self) -> ResponseReturnValue:
        """Agree on a file of the saved view ``?view=N``."""
        view, shown = self._asked()
        form, columns = file_form(ScheduleForm, shown)
        form.hour.description = _("По часам пояса %(zone)s.", zone=current_zone().key)
        form.only_new.label.text = _("Только новое с прошлого файла")
        if request.method == "POST" and form.validate():
            try:
                with unit_of_work(current_scope()) as session:
                    made = self._create(session, view, form, columns)
                    when = made.next_at
            except DomainError as problem:
                form.period.errors = [errors.message(problem)]
            else:
                flash(_("Первый файл придёт %(when)s.", when=moment(when)), "success")
                return go(f"{self.url}/")
        body = self.render(
            "cabinet/jobs/schedule.html",
            form=form,
            title=_("Файл по расписанию: %(view)s", view=view.name),
            target=f"{self.url}/new/?view={view.id}",
            back=address(shown, view),
            crumbs=[{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": view.name}],
        )
        return make_response(body, 422 if form.errors else 200)

    def _create(self, session: CabSession, view: SavedView, form: Any, columns: Any) -> ExportSchedule:
        days = {Period.WEEKLY: form.weekday.data, Period.MONTHLY: form.monthday.data}
        values = {
            "period": form.period.data,
            "day": days.get(Period(form.period.data)),
            "hour": form.hour.data,
            "only_new": form.only_new.data,
            "params": params_of(form, columns),
        }
        return export_schedule.create(
            session, view, values=values, customer_id=current_customer_id(), actor=current_actor()
        )

    def _asked(self) -> tuple[SavedView, ListView]:
        """The saved view of the address, and the list that it is of; 404 for what he does not see."""
        row = db.session().get(SavedView, decode_id(request.args.get("view", "")) or 0)
        shown = None if row is None else self.shown_list(row.list_name)
        if row is None or shown is None:
            abort(404)
        try:
            saved_view.get(db.session(), row.id, list_name=row.list_name, actor=current_actor())
        except DomainError:
            abort(404)
        if not shown.export_permission or not may(shown.export_permission):
            abort(403)
        return row, shown

    def shown_list(self, list_name: str) -> ListView | None:
        """The list of this side that has the name."""
        found: ListView | None = next(
            (item for item in self.admin._views if getattr(getattr(item, "spec", None), "name", "") == list_name), None
        )
        return found


def _last(face: str, row: ExportSchedule) -> Any:
    """The last operation and how it ended."""
    if row.last_operation is None:
        return DASH
    text, _tone = STATES[row.last_operation.state]
    return link(f"/{face}/jobs/details/?id={row.last_operation_id}", f"№ {row.last_operation_id}: {text}")


def _columns(face: str) -> tuple[Column, ...]:
    return (
        Column("view", _l("Вид"), lambda row: row.view.name, kind="main"),
        Column("when", _l("Когда"), when_words),
        Column("next_at", _l("Следующий файл"), lambda row: DASH if row.paused else moment(row.next_at), kind="time"),
        Column("last", _l("Последний файл"), lambda row: _last(face, row)),
        Column("owner", _l("Кому письмо"), lambda row: row.owner.name),
        Column("state", _l("Состояние"), state_words),
        Column("created_at", _l("Создано"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )


class CabinetExportSchedules(ExportSchedules):
    face = "cabinet"
    columns = _columns("cabinet")


class SupportExportSchedules(ExportSchedules):
    face = "admin"
    columns = (*_columns("admin"), Column("customer", _l("Клиент"), words.customer_link))


def support_views() -> list[ListView]:
    return [SupportExportSchedules()]


def cabinet_views() -> list[ListView]:
    return [CabinetExportSchedules()]
