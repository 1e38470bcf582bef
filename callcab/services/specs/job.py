"""List of operations: actions, imports and exports of a customer, or of everybody."""

import sqlalchemy as sa

from callcab.models import Operation, OperationKind, OperationState
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named


def search(text: str) -> sa.ColumnElement[bool] | None:
    """By the number of the operation, with or without №."""
    digits = text.removeprefix("№").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return None
    return Operation.id == int(digits)


JOB = register(
    ListSpec(
        name="job",
        model=Operation,
        sorts={"created_at": Sort(Operation.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("kind", Operation.kind, OperationKind),
            ChoiceFilter("state", Operation.state, OperationState),
            DateTimeRange("created_at", Operation.created_at),
            ReferenceFilter("customer", Operation.customer_id),
        ),
        search=search,
        related=lambda: [named(Operation.customer)],
    )
)
