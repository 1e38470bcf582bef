"""The blacklist: a customer's own numbers, and all lists for support."""

from dataclasses import replace
from typing import Any

from flask import g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import Form, StringField
from wtforms.validators import DataRequired, Length

from callcab.db import CabSession, unit_of_work
from callcab.lib import csv_io
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError, Invalid
from callcab.models import BlacklistEntry, BlacklistSource, Operation
from callcab.scope import Actor
from callcab.services import blacklist, blacklist_reason, forecasts
from callcab.services import operation as operations
from callcab.services.listing import decode_id
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from callcab.views.call_why import why_link
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme, uploads
from callcab.web import telephony_words as words
from callcab.web.access import allow_upload, current_actor, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import link, moment, number, phone
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import (
    NUMBER_HINT,
    Action,
    CellEdit,
    Column,
    Empty,
    FilterField,
    ListView,
    PageAction,
    fixed,
    outlook,
)

SOURCES = words.BLACKLIST_SOURCES


class ReasonForm(Form):
    reason = StringField(_l("Причина"), [DataRequired(_l("Укажите причину.")), Length(max=blacklist.LONGEST_REASON)])


def change_reasons(session: CabSession, rows: list[BlacklistEntry], params: dict[str, Any], actor: Actor) -> str:
    """One reason for all ticked entries."""
    for row in sorted(rows, key=lambda item: item.id):
        blacklist_reason.set_reason(session, row.id, value=str(params["reason"]), actor=actor)
    return _("Причина изменена.")


class BlacklistView(ListView):
    """What both sides share: columns, adding with a preview, deleting."""

    slug = "blacklist"
    label = _l("Чёрный список")
    group = theme.TELEPHONY
    icon = "ban"
    permission = "blacklist.read"
    export_permission = "blacklist.export"
    search_label = _l("Поиск номера")
    search_hint = NUMBER_HINT
    empty = Empty(_l("Ничего не найдено"), _l("Добавьте номера, на которые нельзя звонить."), "ban")
    columns = (
        Column("phone", _l("Номер телефона"), lambda row: phone(row.phone), sort="phone", kind="main phone"),
        Column("source", _l("Источник"), lambda row: SOURCES[row.source]),
        Column("reason", _l("Причина"), lambda row: row.reason),
        Column("created_at", _l("Добавлен"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column("author", _l("Кто"), lambda row: row.author_name or (_("Поддержка") if row.author_id else "")),
    )
    delete = Action(
        "delete",
        _l("Удалить"),
        "blacklist.delete",
        icon="trash",
        operation="blacklist.delete",
        preview=outlook(lambda rows, params, actor: forecasts.delete_blocks(actor)),
        question=lambda count: ngettext(
            "Удалить %(count)s номер из чёрного списка?",
            "Удалить номера из чёрного списка: %(count)s?",
            count,
            count=number(count),
        ),
        danger=True,
        whole=True,
    )
    reason = Action(
        "reason",
        _l("Изменить причину"),
        "blacklist.edit",
        icon="edit",
        perform=change_reasons,
        preview=outlook(lambda rows, params, actor: forecasts.change_reasons(actor, (params or {}).get("reason"))),
        question=_l("Новая причина у номеров: %(count)s."),
        fields=ReasonForm,
        row=False,
    )
    actions = (delete, reason)
    edits = (
        CellEdit(
            "reason",
            _l("Причина"),
            "blacklist.edit",
            lambda row: row.reason,
            blacklist_reason.set_reason,
            limit=blacklist.LONGEST_REASON,
        ),
    )

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def list_customer(self) -> int | None:
        """Whose list the new numbers go to; None is the platform's."""
        return self.customer_id()

    def may_add(self, reason: str) -> None:
        """Refuse (Forbidden, Invalid) before anything is read."""

    @expose("/new/", methods=("GET", "POST"))
    @requires("blacklist.edit")
    def new_view(self) -> ResponseReturnValue:
        """«Добавление номеров в стоп-лист»: three ways in, then a preview before anything is stored."""
        problem = ""
        if request.method == "POST":
            try:
                return redirect(self.operation_url(self._start_import()), 303)
            except FileError as refusal:
                problem = errors.message(Invalid(f"file.{refusal.reason}"))
            except DomainError as refusal:
                problem = errors.message(refusal)
        return self._form(problem)

    @expose("/rejected/")
    @requires("blacklist.edit")
    def rejected_view(self) -> ResponseReturnValue:
        """The refused rows of an import as CSV, to be repaired and loaded again."""
        number = decode_id(request.args.get("id", "")) or 0
        operation = operations.get(db.session, number, customer_id=self.customer_id())
        return uploads.rejected_file(
            operation,
            [_("Строка"), _("Номер телефона"), _("Причина")],
            lambda row: [
                (row.after or {}).get("line", ""),
                csv_io.safe_cell(row.text),
                str(errors.TEXTS.get(row.reason, row.reason)),
            ],
        )

    def _form(self, problem: str) -> ResponseReturnValue:
        way = request.values.get("way", "hand")
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Добавить номера")}]
        page = self.render(
            "cabinet/blacklist/new.html",
            way=way if way in dict(uploads.WAYS) else "hand",
            ways=uploads.WAYS,
            problem=problem,
            typed=request.form,
            target=request.full_path.rstrip("?"),
            owner=self.owner_words(),
            must_say_why=self.face == "admin" and self.list_customer() is None,
            crumbs=crumbs,
        )
        return page, 422 if problem else 200

    def owner_words(self) -> str:
        """For whom support adds; empty in the cabinet, where there is no choice."""
        return ""

    def _start_import(self) -> Operation:
        """Keep what was sent as a file and have it counted; a small one is counted before the answer."""
        reason = request.form.get("reason", "").replace("\x00", "").strip()
        if len(reason) > blacklist.LONGEST_REASON:
            raise Invalid("field.too_long", field="reason", limit=blacklist.LONGEST_REASON)
        self.may_add(reason)
        customer_id = self.list_customer()
        with unit_of_work(current_scope()) as session:
            source, file = uploads.keep_input(session, customer_id)
            return uploads.start_import(
                session,
                "blacklist.import" if source is BlacklistSource.FILE else "blacklist.paste",
                file,
                {"customer_id": customer_id, "source": _said_by(source).value, "reason": reason},
                customer_id=customer_id,
            )


def _said_by(way: BlacklistSource) -> BlacklistSource:
    """The way in, unless the operator said it: then that is what matters, however it came here."""
    return BlacklistSource.OPERATOR if request.form.get("operator") else way


class CabinetBlacklist(BlacklistView):
    spec = BLACKLIST
    face = "cabinet"
    row_links = (why_link("cabinet"),)
    filters = (
        FilterField("source", _l("Источник"), {key.value: text for key, text in SOURCES.items()}),
        FilterField("created", _l("Добавлен")),
    )
    page_actions = (
        PageAction(_l("Добавить номера"), "/cabinet/blacklist/new/", permission="blacklist.edit", dialog=True),
    )


def owner_of(row: BlacklistEntry) -> Any:
    """The customer, or «Платформа»."""
    if row.customer is None:
        return _("Платформа")
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


class SupportBlacklist(BlacklistView):
    spec = BLACKLIST_SUPPORT
    row_links = (why_link("admin"),)
    columns = (
        BlacklistView.columns[0],
        Column("customer", _l("Клиент"), owner_of),
        *BlacklistView.columns[1:-1],
        Column("author", _l("Кто"), lambda row: row.author_name or (row.author.name if row.author else "")),
    )
    filters = (
        FilterField("list", _l("Список"), {"platform": _l("Платформа"), "customer": _l("Клиенты")}),
        FilterField("customer", _l("Клиент"), lookup=CUSTOMERS),
        FilterField("source", _l("Источник"), {key.value: text for key, text in SOURCES.items()}),
        FilterField("created", _l("Добавлен")),
    )
    actions = (
        replace(BlacklistView.delete, fields=ReasonForm),
        BlacklistView.reason,
        Action(
            "to_platform",
            _l("На платформу"),
            "blacklist.platform",
            icon="world",
            operation="blacklist.to_platform",
            preview=fixed(forecasts.to_platform),
            question=_l("Запретить звонки на эти номера для всех клиентов: %(count)s?"),
            fields=ReasonForm,
        ),
    )
    page_actions = (PageAction(_l("Добавить на платформу"), "/admin/blacklist/new/", permission="blacklist.platform"),)

    def list_customer(self) -> int | None:
        """The customer of the address (?customer=N); without one the platform's list."""
        text = request.args.get("customer", "")
        if not text:
            return None
        if "blacklist_customer" not in g:
            g.blacklist_customer = blacklist.customer(db.session, text)
        return int(g.blacklist_customer.id)

    def may_add(self, reason: str) -> None:
        if self.list_customer() is None:
            blacklist.check_platform(current_actor(), reason)

    def owner_words(self) -> str:
        if self.list_customer() is None:
            return _("Платформа: звонить на эти номера не сможет никто.")
        return str(g.blacklist_customer.name)


# Only here may a body be as large as a list file.
for _endpoint in ("admin_blacklist.new_view", "cabinet_blacklist.new_view"):
    allow_upload(_endpoint, body=uploads.UPLOAD_LIMIT, text=uploads.TEXT_LIMIT)


def support_views() -> list[ListView]:
    return [SupportBlacklist()]


def cabinet_views() -> list[ListView]:
    return [CabinetBlacklist()]
