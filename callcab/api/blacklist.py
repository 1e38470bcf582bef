"""Numbers that the customer's campaigns must not call."""

from typing import Any

import marshmallow as ma
import sqlalchemy as sa
from flask_login import current_user

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.db import unit_of_work
from callcab.lib import phone as phones
from callcab.lib.errors import Invalid, NotFound
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.services import audit, blacklist
from callcab.web.access import current_actor, current_scope

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


class AddArgs(ma.Schema):
    phone = ma.fields.String(required=True, validate=ma.validate.Length(1, 40))
    reason = ma.fields.String(load_default="", validate=ma.validate.Length(max=200))


class AddedSchema(ma.Schema):
    phone = ma.fields.String()
    added = ma.fields.Boolean(metadata={"description": "false when the number was listed before"})


@blueprint.get("/blacklist")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, EntryPage)
@blueprint.doc(security=[{"token": []}], summary="List blacklisted numbers, newest first")
@needs("blacklist:read")
def show(args: dict[str, Any]) -> Any:
    return fetch(BlacklistEntry, args)


@blueprint.post("/blacklist")
@blueprint.arguments(AddArgs)
@blueprint.response(200, AddedSchema)
@blueprint.doc(security=[{"token": []}], summary="Add a number; a repeat changes nothing")
@needs("blacklist:write")
def add(args: dict[str, Any]) -> Any:
    with unit_of_work(current_scope()) as session:
        number, new = blacklist.add(
            session,
            customer_id=current_user.customer_id,
            text=args["phone"].replace("\x00", ""),
            source=BlacklistSource.API,
            actor=current_actor(),
            reason=args["reason"].replace("\x00", ""),
        )
    return {"phone": f"+{number}", "added": new}


@blueprint.delete("/blacklist/<phone>")
@blueprint.response(204)
@blueprint.doc(security=[{"token": []}], summary="Delete a number")
@needs("blacklist:write")
def delete(phone: str) -> None:
    try:
        number = phones.to_int(phones.parse(phone).e164)
    except phones.PhoneError as error:
        raise Invalid(f"phone.{error.reason}", field="phone") from None
    with unit_of_work(current_scope()) as session:
        mine = BlacklistEntry.customer_id == current_user.customer_id
        entry_id = session.scalar(sa.select(BlacklistEntry.id).where(mine, BlacklistEntry.phone == number))
        if entry_id is None or not blacklist.remove_many(session, [entry_id]):
            raise NotFound("not_found")
        audit.record(
            session,
            "blacklist.delete",
            actor=current_actor(),
            customer_id=current_user.customer_id,
            object_type="blacklist_entry",
            object_id=entry_id,
            before={"phone": number},
        )
