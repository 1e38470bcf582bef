"""What came of a campaign: how it stands, when people were called, and a line for each contact to take away."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import Call, CallState, Campaign, Contact, ContactState, Outcome
from callcab.services import operation
from callcab.services.operation import ExportColumn

# What forbids a contact for good; the sentences are the edge's.
_FORBIDDEN = "number.unallocated number.not_dialable blacklist.platform blacklist.own call.attempts_used"
REASONS = {code: code for code in _FORBIDDEN.split()}
STATES = {item.value: f"contact_state.{item.value}" for item in ContactState}


def stamp(session: CabSession, campaign_id: int) -> str | None:
    """Changes whenever the page of a campaign under way should be drawn again; None once nothing moves any more."""
    row = session.get(Campaign, campaign_id)
    if row is None or row.finished_at is not None:
        return None
    latest = sa.select(sa.func.count(), sa.func.max(Call.id), sa.func.max(Call.ended_at))
    calls = session.execute(latest.where(Call.campaign_id == campaign_id)).one()
    return f"{row.state.value}:{row.wait_reason}:{row.contacts_done}:{calls}"


def hours(session: CabSession, campaign_id: int, zone: str) -> list[list[int]]:
    """Real calls by weekday from Monday and hour of the customer's day."""
    local = sa.func.timezone(zone, Call.created_at)
    day, hour = sa.extract("isodow", local), sa.extract("hour", local)
    grid = [[0] * 24 for _ in range(7)]
    counted = (
        sa.select(day, hour, sa.func.count())
        .where(Call.campaign_id == campaign_id, Call.state != CallState.REFUSED)
        .group_by(day, hour)
    )
    for weekday, at, count in session.execute(counted):
        grid[int(weekday) - 1][int(at)] = count
    return grid


def _last(row: Contact, name: str) -> Any:
    """A value of the contact's last call, which is an outcome for who was reached and a refusal for who may not be."""
    return getattr(row.calls[-1], name) if row.calls else None


def _why(row: Contact) -> str:
    """Code of the rule that forbade the call."""
    return (row.outcome or "") if row.state is ContactState.REFUSED else ""


def _outcome(row: Contact) -> str | None:
    if row.state is ContactState.REFUSED:
        return Outcome.REQUEST_REFUSED.value
    return row.outcome


def _variables(row: Contact) -> str:
    return "; ".join(f"{name}: {value}" for name, value in row.variables.items())


operation.register_export(
    "campaign_contact",
    (
        ExportColumn("phone", Contact.phone, phone=True),
        ExportColumn("state", lambda row: row.state, choices=STATES),
        ExportColumn("outcome", _outcome, choices={item.value: f"outcome.{item.value}" for item in Outcome}),
        ExportColumn("reason", _why, choices=REASONS),
        ExportColumn("attempts", lambda row: row.attempts),
        ExportColumn("digits", lambda row: _last(row, "digits")),
        ExportColumn("seconds", lambda row: sum(call.seconds for call in row.calls)),
        ExportColumn("cost", lambda row: sum((call.cost for call in row.calls), start=Decimal(0))),
        ExportColumn("called_at", lambda row: _last(row, "created_at")),
        ExportColumn("variables", _variables),
    ),
    permission="call.export",
)
