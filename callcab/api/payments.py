"""Payments of the customer."""

from typing import Any

import marshmallow as ma

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.models import Payment, PaymentKind, PaymentMethod

blueprint = make_blueprint("payments", "Payments")


class PaymentSchema(ma.Schema):
    id = ma.fields.Integer()
    created_at = ma.fields.AwareDateTime()
    kind = ma.fields.Enum(PaymentKind, by_value=True)
    method = ma.fields.Enum(PaymentMethod, by_value=True)
    amount = ma.fields.Decimal(places=2, as_string=True, metadata={"description": "Roubles, signed"})
    receipt_url = ma.fields.String(allow_none=True)


class PaymentPage(PageSchema):
    items = ma.fields.List(ma.fields.Nested(PaymentSchema))


@blueprint.get("/payments")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, PaymentPage)
@blueprint.doc(security=[{"token": []}], summary="List payments, newest first")
@needs("payments:read")
def show(args: dict[str, Any]) -> Any:
    return fetch(Payment, args)
