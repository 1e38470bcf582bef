"""Who called the customer's numbers and campaigns."""

from typing import Any

import marshmallow as ma

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.models import InboundAction, InboundCall, Outcome

blueprint = make_blueprint("inbound_calls", "Incoming calls")


def _number(phone: int | None) -> str | None:
    return f"+{phone}" if phone else None


class InboundCallSchema(ma.Schema):
    id = ma.fields.Integer()
    created_at = ma.fields.AwareDateTime()
    phone = ma.fields.Function(
        lambda row: _number(row.phone),
        metadata={"type": "string", "nullable": True, "description": "Who called; null when he hid his number"},
    )
    to_phone = ma.fields.Function(lambda row: _number(row.to_phone), metadata={"type": "string", "nullable": True})
    campaign_id = ma.fields.Integer(allow_none=True, metadata={"description": "Whose menu answered"})
    action = ma.fields.Enum(InboundAction, by_value=True)
    code = ma.fields.String(metadata={"description": "The rule that decided"})
    outcome = ma.fields.Enum(
        Outcome, by_value=True, allow_none=True, metadata={"description": "null while the call goes on"}
    )
    digits = ma.fields.String()
    answered_at = ma.fields.AwareDateTime(allow_none=True)
    ended_at = ma.fields.AwareDateTime(allow_none=True)
    seconds = ma.fields.Integer()


class InboundCallPage(PageSchema):
    items = ma.fields.List(ma.fields.Nested(InboundCallSchema))


@blueprint.get("/inbound-calls")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, InboundCallPage)
@blueprint.doc(security=[{"token": []}], summary="List incoming calls, newest first")
@needs("inbound:read")
def show(args: dict[str, Any]) -> Any:
    return fetch(InboundCall, args)
