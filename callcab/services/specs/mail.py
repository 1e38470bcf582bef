"""Letters that were sent or wait to be."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.models import MailMessage, MailState
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named


def search(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(
        MailMessage.recipient.icontains(text, autoescape=True), MailMessage.subject.icontains(text, autoescape=True)
    )


MAIL = register(
    ListSpec(
        name="mail",
        model=MailMessage,
        sorts={"created_at": Sort(MailMessage.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("state", MailMessage.state, choices=MailState),
            DateTimeRange("created", MailMessage.created_at),
            ReferenceFilter("customer", MailMessage.customer_id),
        ),
        search=search,
        # A letter may hold a link that lets somebody in: no page of the list can read its text.
        options=lambda: [
            named(MailMessage.customer).option,
            orm.defer(MailMessage.text, raiseload=True),
            orm.defer(MailMessage.html, raiseload=True),
        ],
    )
)
