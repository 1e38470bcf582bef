"""How a caller is labelled on the telephone of whom he calls (domain.md C2, 41-ФЗ): name, category, short text.

A label belongs to the customer who calls; a personal number may have one of its own, because nobody else calls from it.
The text is what the line carries as the caller's name.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from callcab.lib.errors import Invalid
from callcab.models import Call, Customer, NumberKind, PhoneNumber

LIMITS = {"label_name": 100, "label_category": 60, "label_text": 32}
# In a SIP name they end it or change its meaning.
_FORBIDDEN = frozenset('"\\<>')


def check(values: Mapping[str, Any]) -> dict[str, str]:
    """The label as it is stored: whole, or empty.

    Raises Invalid ``field.too_long``, ``label.characters``, or ``label.part_missing`` with the field that is empty.
    """
    found = {name: " ".join(str(values.get(name) or "").split()) for name in LIMITS}
    for name, limit in LIMITS.items():
        if len(found[name]) > limit:
            raise Invalid("field.too_long", field=name, limit=limit)
        if any(letter in _FORBIDDEN or not letter.isprintable() for letter in found[name]):
            raise Invalid("label.characters", field=name)
    missing = [name for name, text in found.items() if not text]
    if missing and len(missing) < len(LIMITS):
        raise Invalid("label.part_missing", field=missing[0])
    return found


def spoken() -> sa.ColumnElement[str]:
    """What the line says of the caller, for a statement over Call that ``join`` was applied to; empty without label."""
    return sa.func.coalesce(sa.func.nullif(PhoneNumber.label_text, ""), Customer.label_text)


def join(statement: sa.Select[Any]) -> sa.Select[Any]:
    """The statement with the customers of its calls and the personal numbers that they call from."""
    own = sa.and_(
        PhoneNumber.customer_id == Call.customer_id,
        PhoneNumber.phone == Call.from_phone,
        PhoneNumber.kind == NumberKind.PERSONAL,
    )
    return statement.join(Customer, Customer.id == Call.customer_id).outerjoin(PhoneNumber, own)
