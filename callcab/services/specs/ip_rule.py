"""Lists of the IP allow list and of its refusals."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET

from callcab.lib import ip_network
from callcab.models import Door, IpDenial, IpRule
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named


def search_rule(text: str) -> sa.ColumnElement[bool]:
    """Entries that cover or lie in the typed address or network, or whose text or note holds what was typed."""
    return sa.or_(
        _same_net(IpRule.network, text), _holds(IpRule.network, text), IpRule.note.icontains(text, autoescape=True)
    )


def search_denial(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(_same_net(IpDenial.address, text), _holds(IpDenial.address, text))


def _same_net(column: Any, text: str) -> sa.ColumnElement[bool]:
    try:
        network = ip_network.parse(text).canonical
    except ip_network.IpError:
        return sa.false()
    found: sa.ColumnElement[bool] = column.op("&&")(sa.cast(network, INET))
    return found


def _holds(column: Any, text: str) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = sa.cast(column, sa.Text).icontains(text, autoescape=True)
    return found


IP_RULE = register(
    ListSpec(
        name="ip_rule",
        model=IpRule,
        sorts={"created_at": Sort(IpRule.created_at)},
        default_sort="-created_at",
        filters=(DateTimeRange("created", IpRule.created_at), ReferenceFilter("customer", IpRule.customer_id)),
        search=search_rule,
        related=lambda: [named(IpRule.customer)],
    )
)
IP_DENIAL = register(
    ListSpec(
        name="ip_denial",
        model=IpDenial,
        sorts={"created_at": Sort(IpDenial.created_at)},
        default_sort="-created_at",
        filters=(
            DateTimeRange("created", IpDenial.created_at),
            ChoiceFilter("door", IpDenial.door, choices=Door),
            ReferenceFilter("customer", IpDenial.customer_id),
        ),
        search=search_denial,
        related=lambda: [named(IpDenial.customer)],
    )
)
