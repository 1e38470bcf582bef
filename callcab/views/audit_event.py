"""«Журнал»: who changed what, for support and for the customer whom it touched."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from callcab.models import AuditEvent
from callcab.permissions import STAFF_ROLES
from callcab.services.specs.audit_event import AUDIT_EVENT, AUDIT_EVENT_CABINET, SECTIONS
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme
from callcab.web.audit_words import action_words, change_words, changes
from callcab.web.formatters import DASH, link, moment
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, FilterField, ListView

SIDES = {"staff": _l("Поддержка"), "customer": _l("Сотрудники клиента"), "system": _l("Система")}
SECTION_WORDS = {name: errors.TEXTS[f"audit.section.{name}"] for name in SECTIONS}


def is_staff(row: AuditEvent) -> bool:
    return row.actor_role in STAFF_ROLES


def customer_cell(row: AuditEvent) -> Any:
    if row.customer is None:
        return DASH
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


class AuditView(ListView):
    """What both sides share. Nothing here can be changed (AC-60)."""

    slug = "audit"
    label = _l("Журнал")
    icon = "history"
    permission = "audit.read"
    search_label = _l("Кто, действие или причина")
    can_view_details = True
    empty = Empty(_l("Событий пока нет"), _l("Здесь видно, кто и что изменил."), "history")

    def name_of(self, row: AuditEvent) -> str:
        return _("%(what)s, %(when)s", what=action_words(row), when=moment(row.created_at))

    def author_of(self, row: AuditEvent) -> str:
        raise NotImplementedError

    def facts_of(self, row: AuditEvent) -> Sequence[tuple[Any, Any]]:
        facts: list[tuple[Any, Any]] = [
            (_("Когда"), moment(row.created_at)),
            (_("Кто"), self.author_of(row)),
            (_("Что сделано"), action_words(row)),
            (_("Причина"), row.reason),
        ]
        for name, old, new in changes(row):
            facts.append((name, new if old == DASH else Markup("<s>{}</s> → {}").format(old, new)))
        return facts


WHEN = Column("created_at", _l("Когда"), lambda row: moment(row.created_at), sort="created_at", kind="time", link=True)
WHAT = Column("action", _l("Что сделано"), action_words, kind="main")
CHANGE = Column("change", _l("Изменения"), change_words)
REASON = Column("reason", _l("Причина"), lambda row: row.reason)
FILTERS = (
    FilterField("side", _l("Чьё действие"), SIDES),
    FilterField("section", _l("Раздел"), SECTION_WORDS, counts=False),
    FilterField("created", _l("Когда")),
)


def author_for_customer(row: AuditEvent) -> str:
    """The colleague's name; of support only that it was support."""
    if is_staff(row):
        return _("Поддержка")
    return row.actor_name


class CabinetAudit(AuditView):
    spec = AUDIT_EVENT_CABINET
    face = "cabinet"
    group = theme.ACCESS
    columns = (WHEN, Column("actor", _l("Кто"), author_for_customer), WHAT, CHANGE, REASON)
    filters = FILTERS

    def author_of(self, row: AuditEvent) -> str:
        return author_for_customer(row)


class SupportAudit(AuditView):
    spec = AUDIT_EVENT
    export_permission = "audit.export"
    group = theme.SYSTEM
    columns = (
        WHEN,
        Column("actor", _l("Кто"), lambda row: row.actor_name),
        WHAT,
        Column("customer", _l("Клиент"), customer_cell),
        CHANGE,
        REASON,
    )
    filters = (*FILTERS, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))

    def author_of(self, row: AuditEvent) -> str:
        return row.actor_name

    def facts_of(self, row: AuditEvent) -> Sequence[tuple[Any, Any]]:
        return [
            *super().facts_of(row),
            (_("Клиент"), customer_cell(row)),
            (_("Адрес"), row.address),
            (_("Запрос"), row.request_id),
        ]


def support_views() -> list[ListView]:
    return [SupportAudit()]


def cabinet_views() -> list[ListView]:
    return [CabinetAudit()]
