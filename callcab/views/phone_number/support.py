"""The pool of outgoing numbers, for support."""

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from wtforms import SelectField, TextAreaField

from callcab.db import CabSession, unit_of_work
from callcab.lib import phone as phone_lib
from callcab.models import NumberKind, PhoneNumber
from callcab.services import phone_number as numbers
from callcab.services.phone_number import labelling
from callcab.services.specs.phone_number import PHONE_NUMBER
from callcab.views.lookups import CUSTOMERS
from callcab.views.phone_number import tabs
from callcab.views.phone_number.actions import ACTIONS, POOL_KINDS
from callcab.views.phone_number.cabinet import FILTERS
from callcab.views.phone_number.renting import Prolonging
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.access import current_actor, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import link, moment, phone
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, CellEdit, Column, FilterField, ListView, PageAction, RowLink, Tab
from callcab.web.texts.number import TEXTS


class PoolForm(Form):
    kind = SelectField(_l("Тип"), choices=POOL_KINDS)
    phones = TextAreaField(
        _l("Номера"),
        description=_l("По одному в строке, в любом виде."),
        render_kw={"rows": 10, "required": True, "maxlength": 200_000},
    )


@dataclass(frozen=True)
class Refused:
    """A piece of the pasted text that gave no number, and why."""

    line: int | None
    text: str
    reason: str


def _add(session: CabSession, form: PoolForm) -> list[Refused]:
    """Add what is good, say how many; returns the rest."""
    found = phone_lib.extract(form.phones.data or "")
    wanted = [item for item in found.phones if phone_lib.is_dialable(item)]
    added = numbers.add_to_pool(
        session,
        phones=[phone_lib.to_int(item.e164) for item in wanted],
        kind=NumberKind(form.kind.data),
        actor=current_actor(),
    )
    refused = [Refused(item.line, item.text, TEXTS[f"phone.{item.reason}"]) for item in found.rejected]
    refused += [
        Refused(None, phone_lib.display(item.e164), TEXTS["number.not_dialable"])
        for item in found.phones
        if item not in wanted
    ]
    flash(
        _(
            "Добавлено: %(added)s, уже были: %(known)s, не подошли: %(bad)s.",
            added=added,
            known=len(wanted) - added + found.duplicates,
            bad=len(refused),
        ),
        "success" if added else "warning",
    )
    return refused


def note_fact(row: PhoneNumber) -> Any:
    """The note, with the way to its own page for those who may change it."""
    if not may("customer.note"):
        return row.note
    return Markup("{} {}").format(row.note, link(f"/admin/numbers/cell/?field=note&id={row.id}", _("Изменить")))


class SupportNumber(Prolonging, ListView):
    """All numbers, for support."""

    spec = PHONE_NUMBER
    search_hint = NUMBER_HINT
    slug = "numbers"
    label = _l("Номера телефонов")
    group = theme.TELEPHONY
    icon = "device-mobile"
    permission = "number.read"
    export_permission = "number.export"
    can_view_details = True
    columns = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone", link=True),
        Column("kind", _l("Тип"), words.number_kind_cell),
        Column("state", _l("Статус"), words.number_status_cell),
        Column("customer", _l("Клиент"), words.customer_link),
        Column(
            "campaign",
            _l("Рассылка"),
            lambda row: (
                link(f"/admin/campaigns/details/?id={row.open_lease.campaign_id}", row.open_lease.campaign.name)
                if row.open_lease
                else None
            ),
        ),
        Column("busy_at", _l("Был занят"), lambda row: moment(row.busy_at), kind="time"),
        Column("note", _l("Заметка"), lambda row: row.note, extra=True),
    )
    edits = (
        CellEdit(
            "note", _l("Заметка"), "customer.note", lambda row: row.note, numbers.set_note, limit=labelling.NOTE_LIMIT
        ),
    )
    filters = (
        *FILTERS,
        FilterField("trouble", _l("Требуют внимания"), words.TROUBLE),
        FilterField("customer", _l("Клиент"), lookup=CUSTOMERS),
    )
    actions = ACTIONS
    row_links = (
        RowLink(_l("Входящие"), "phone-incoming", lambda row: f"/admin/inbound/?search={row.phone}", "call.read"),
    )
    page_actions = (PageAction(_l("Добавить номера"), "/admin/numbers/new/", permission="number.edit"),)
    tabs = (
        Tab("leases", _l("Занятость"), "cabinet/numbers/tab.html", tabs.leases(tabs.SUPPORT)),
        Tab("rentals", _l("Аренда"), "cabinet/numbers/rentals.html", tabs.rentals(tabs.SUPPORT)),
        Tab("health", _l("Дозвон"), "support/numbers/health.html", tabs.load_health),
        Tab("checks", _l("Проверки"), "support/numbers/checks.html", tabs.load_attempts, "verification.read"),
        Tab("log", _l("Журнал"), "support/numbers/log.html", tabs.history(tabs.SUPPORT)),
    )

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def facts_of(self, row: PhoneNumber) -> list[tuple[Any, Any]]:
        facts = [(column.label, column.cell(row)) for column in self.columns if column.key not in ("campaign", "note")]
        facts += tabs.holder_facts(tabs.SUPPORT, row, None)
        why = tabs.stuck_text(db.session(), row)
        if why:
            facts.append((_("Застрял"), why))
        return [*facts, (_("Дозвон"), tabs.health_text(row)), (_("Заметка"), note_fact(row))]

    @expose("/new/", methods=("GET", "POST"))
    @requires("number.edit")
    def new_view(self) -> ResponseReturnValue:
        """Add numbers to the pool."""
        form = PoolForm(request.form or None)
        refused: list[Refused] = []
        if request.method == "POST" and form.validate():
            with unit_of_work(current_scope()) as session:
                refused = _add(session, form)
            if not refused:
                return redirect(f"{self.url}/", 303)
            # Only what was refused stays in the field, to be put right.
            form.phones.data = "\n".join(item.text for item in refused)
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Добавить номера")}]
        page = self.render("support/numbers/new.html", form=form, refused=refused, crumbs=crumbs)
        return page, 422 if refused else 200
