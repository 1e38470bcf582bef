"""Customers with numbers on their blacklist, and the deletion of all of them."""

from collections.abc import Iterable

import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Actor, Scope
from callcab.services import operation
from tests import factories

PHONE = 79250000000


def owner_of(numbers: Iterable[int]) -> Actor:
    """The owner of a new customer who has these numbers on his list; committed."""
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        session.execute(
            sa.insert(BlacklistEntry),
            [
                {"customer_id": customer.id, "phone": number, "source": BlacklistSource.HAND, "reason": "r"}
                for number in numbers
            ],
        )
        return Actor(user.name, "owner", user.id, customer.id)


def start_deleting(actor: Actor, expected: int, **filters: object) -> int:
    """Ask for the deletion of all that match, as the page does: the number of the operation."""
    with unit_of_work(Scope.tenant(actor.customer_id or 0)) as session:
        return operation.start(
            session,
            name="blacklist.delete",
            spec_name="blacklist",
            state={"search": "", "filters": filters, "sort": ""},
            ids=None,
            params={},
            expected=expected,
            actor=actor,
            customer_id=actor.customer_id,
        ).id
