"""Numbers that the customer's campaigns must not call."""

from typing import Any

import marshmallow as ma

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.models import BlacklistEntry, BlacklistSource

blueprint = make_blueprint("blacklist", "Blacklist")


class EntrySchema(ma.Schema):
    id = ma.fields.Integer()
    created_at = ma.fields.AwareDateTime()
    phone = ma.fields.Function(lambda row: f"+{row.phone}", metadata={"type": "string"})
    source = ma.fields.Enum(BlacklistSource, by_value=True)
    reason = ma.fields.String()
    expires_at = ma.fields.AwareDateTime(allow_none=True)


class EntryPage(PageSchema):
    items = ma.fields.List(ma.fields.Nested(EntrySchema))


@blueprint.get("/blacklist")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, EntryPage)
@blueprint.doc(security=[{"token": []}], summary="List blacklisted numbers, newest first")
@needs("blacklist:read")
def show(args: dict[str, Any]) -> Any:
    return fetch(BlacklistEntry, args)
