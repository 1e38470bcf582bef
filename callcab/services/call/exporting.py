"""Columns of the downloads of calls and numbers."""

from callcab.models import Call, NumberKind, NumberState, Outcome, PhoneNumber
from callcab.services import operation
from callcab.services.operation import ExportColumn

OUTCOMES = {item.value: f"outcome.{item.value}" for item in Outcome}
KINDS = {item.value: f"number_kind.{item.value}" for item in NumberKind}
STATES = {item.value: f"number_state.{item.value}" for item in NumberState}

operation.register_export(
    "call",
    (
        ExportColumn("created_at", Call.created_at),
        ExportColumn("phone", Call.phone, phone=True),
        ExportColumn("from_phone", Call.from_phone, phone=True),
        ExportColumn("outcome", Call.outcome, choices=OUTCOMES),
        ExportColumn("digits", Call.digits),
        ExportColumn("seconds", Call.seconds),
        ExportColumn("cost", Call.cost),
    ),
    permission="call.export",
)
for _name in ("phone_number", "cabinet_number"):
    operation.register_export(
        _name,
        (
            ExportColumn("created_at", PhoneNumber.created_at),
            ExportColumn("phone", PhoneNumber.phone, phone=True),
            ExportColumn("kind", PhoneNumber.kind, choices=KINDS),
            ExportColumn("state", PhoneNumber.state, choices=STATES),
            ExportColumn("busy_at", PhoneNumber.busy_at),
            ExportColumn("rented_until", PhoneNumber.rented_until),
        ),
        permission="number.export",
    )
