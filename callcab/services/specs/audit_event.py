"""The log: what support and customers did."""

from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from callcab.models import AuditEvent
from callcab.services import operation, row_total
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.operation import ExportColumn
from callcab.services.specs.customer import named

SIDES: dict[str, Callable[[], sa.ColumnElement[bool]]] = {
    "staff": lambda: AuditEvent.actor_role.in_(("agent", "lead", "admin")),
    "customer": lambda: AuditEvent.actor_role.in_(("owner", "manager", "accountant", "operator", "viewer")),
    "system": lambda: AuditEvent.actor_role == "system",
}

# What comes before the dot of an action.
SECTIONS = (
    "blacklist",
    "campaign",
    "customer",
    "invoice",
    "ip",
    "mail",
    "number",
    "operation",
    "payment",
    "promo",
    "saved_view",
    "seller",
    "session",
    "tariff",
    "token",
    "user",
    "verification",
)


def about(section: str) -> sa.ColumnElement[bool]:
    """Events of one section: the first word of the action."""
    return AuditEvent.action.startswith(f"{section}.", autoescape=True)


SECTION = ChoiceFilter(
    "section",
    choices=SECTIONS,
    conditions={name: partial(about, name) for name in SECTIONS},
)


def search(text: str) -> sa.ColumnElement[bool]:
    """By the name of the person, the action or the reason."""
    return sa.or_(
        AuditEvent.actor_name.icontains(text, autoescape=True),
        AuditEvent.action.icontains(text, autoescape=True),
        AuditEvent.reason.icontains(text, autoescape=True),
    )


def search_colleague(text: str) -> sa.ColumnElement[bool]:
    """The same for a customer: which person of support it was can't be found out by guessing names."""
    return sa.or_(
        sa.and_(sa.not_(SIDES["staff"]()), AuditEvent.actor_name.icontains(text, autoescape=True)),
        AuditEvent.action.icontains(text, autoescape=True),
        AuditEvent.reason.icontains(text, autoescape=True),
    )


AUDIT_EVENT = register(
    ListSpec(
        name="audit_event",
        model=AuditEvent,
        sorts={"created_at": Sort(AuditEvent.created_at)},
        default_sort="-created_at",
        filters=(
            DateTimeRange("created", AuditEvent.created_at),
            ChoiceFilter("side", choices=tuple(SIDES), conditions=SIDES),
            SECTION,
            ReferenceFilter("customer", AuditEvent.customer_id),
        ),
        search=search,
        total=row_total.Kept(AuditEvent),
        related=lambda: [named(AuditEvent.customer)],
    )
)
AUDIT_EVENT_CABINET = register(
    ListSpec(
        name="audit_event_cabinet",
        model=AuditEvent,
        sorts={"created_at": Sort(AuditEvent.created_at)},
        default_sort="-created_at",
        filters=(
            DateTimeRange("created", AuditEvent.created_at),
            ChoiceFilter("side", choices=tuple(SIDES), conditions=SIDES),
            SECTION,
        ),
        search=search_colleague,
        total=row_total.Kept(AuditEvent),
        base=lambda: AuditEvent.customer_id.is_not(None),
    )
)
operation.register_export(
    "audit_event",
    (
        ExportColumn("created_at", AuditEvent.created_at),
        ExportColumn("actor_name", AuditEvent.actor_name),
        ExportColumn("action", AuditEvent.action),
        ExportColumn("object", AuditEvent.object_type),
        ExportColumn("number", AuditEvent.object_id),
        ExportColumn("reason", AuditEvent.reason),
        ExportColumn("address", AuditEvent.address),
    ),
    permission="audit.export",
)
