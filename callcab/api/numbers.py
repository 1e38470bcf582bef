"""Outgoing numbers of the customer: personal and rented ones."""

from typing import Any

import marshmallow as ma

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.models import NumberKind, NumberState, PhoneNumber

blueprint = make_blueprint("numbers", "Outgoing numbers")


class NumberSchema(ma.Schema):
    id = ma.fields.Integer()
    created_at = ma.fields.AwareDateTime()
    phone = ma.fields.Function(lambda row: f"+{row.phone}", metadata={"type": "string"})
    kind = ma.fields.Enum(NumberKind, by_value=True)
    state = ma.fields.Enum(NumberState, by_value=True)
    rented_until = ma.fields.AwareDateTime(allow_none=True)


class NumberPage(PageSchema):
    items = ma.fields.List(ma.fields.Nested(NumberSchema))


@blueprint.get("/numbers")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, NumberPage)
@blueprint.doc(security=[{"token": []}], summary="List outgoing numbers, newest first")
@needs("numbers:read")
def show(args: dict[str, Any]) -> Any:
    return fetch(PhoneNumber, args)
