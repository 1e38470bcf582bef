"""The customer's balance in the header of every cabinet page."""

from decimal import Decimal

import sqlalchemy as sa
from flask import Flask, request

from callcab.models import Customer
from callcab.web.database import db
from callcab.web.listing.access import who


def init_app(app: Flask) -> None:
    app.extensions["callcab.balance"] = current_balance


def current_balance() -> Decimal | None:
    """Roubles on the account of the customer who is signed in; None for support.

    A page that only reads shows what was found when the request came; one that may have paid asks again.
    """
    person = who()
    if person.customer_id is None or request.method in ("GET", "HEAD"):
        known: Decimal | None = person.balance
        return known
    return db.session.scalar(sa.select(Customer.balance).where(Customer.id == person.customer_id))
