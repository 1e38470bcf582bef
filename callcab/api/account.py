"""The customer's own account."""

from typing import Any

import marshmallow as ma
from flask_login import current_user

from callcab.api.base import make_blueprint, needs
from callcab.models import Customer
from callcab.web.database import db

blueprint = make_blueprint("account", "Account and balance")


class AccountSchema(ma.Schema):
    id = ma.fields.Integer()
    name = ma.fields.String()
    balance = ma.fields.Decimal(places=2, as_string=True, metadata={"description": "Roubles on the account"})
    reserved = ma.fields.Decimal(places=2, as_string=True, metadata={"description": "Held for running calls"})
    available = ma.fields.Decimal(places=2, as_string=True, metadata={"description": "May be spent now"})
    zone = ma.fields.String(metadata={"description": "Time zone, such as Europe/Moscow"})


@blueprint.get("/account")
@blueprint.response(200, AccountSchema)
@blueprint.doc(security=[{"token": []}], summary="Balance")
@needs("account:read")
def show() -> Any:
    return db.session.get_one(Customer, current_user.customer_id)
