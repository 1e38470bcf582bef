"""List of verification calls."""

from callcab.models import Verification, VerificationState
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, holding, register
from callcab.services.specs.customer import named

OUTCOMES = (
    "verified",
    "by_hand",
    "wrong_digit",
    "no_input",
    "hangup_before_digit",
    "no_answer",
    "busy",
    "rejected",
    "unallocated",
    "unreachable",
    "congestion",
    "machine",
    "expired",
    "unavailable",
    "cancelled",
    "taken",
    "request_refused",
)

VERIFICATION = register(
    ListSpec(
        name="verification",
        model=Verification,
        sorts={"created_at": Sort(Verification.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter(
                "result",
                conditions={
                    "open": lambda: Verification.finished_at.is_(None),
                    "verified": lambda: Verification.state == VerificationState.VERIFIED,
                    "failed": lambda: Verification.state == VerificationState.FAILED,
                },
            ),
            ChoiceFilter("outcome", Verification.outcome, choices=OUTCOMES),
            DateTimeRange("created", Verification.created_at),
            ReferenceFilter("customer", Verification.customer_id),
        ),
        search=holding(Verification.phone),
        related=lambda: [named(Verification.customer)],
    )
)
