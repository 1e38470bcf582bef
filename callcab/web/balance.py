"""The customer's balance in the header of every cabinet page."""

from decimal import Decimal

import sqlalchemy as sa
from flask import Flask
from flask_login import current_user

from callcab.models import Customer
from callcab.web.database import db


def init_app(app: Flask) -> None:
    app.extensions["callcab.balance"] = current_balance


def current_balance() -> Decimal | None:
    """Roubles on the account of the customer who is signed in; None for support."""
    if current_user.customer_id is None:
        return None
    return db.session.scalar(sa.select(Customer.balance).where(Customer.id == current_user.customer_id))
