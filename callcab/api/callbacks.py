"""Who asked to be called back, and that somebody did."""

from typing import Any

import marshmallow as ma

from callcab.api.base import PageArgs, PageSchema, fetch, make_blueprint, needs
from callcab.db import unit_of_work
from callcab.lib.errors import NotFound
from callcab.models import CallbackRequest, CallbackState
from callcab.services import callback_request
from callcab.services.listing import decode_id
from callcab.web.access import current_actor, current_scope

blueprint = make_blueprint("callbacks", "Callback requests")


class CallbackSchema(ma.Schema):
    id = ma.fields.Integer()
    created_at = ma.fields.AwareDateTime()
    phone = ma.fields.Function(lambda row: f"+{row.phone}", metadata={"type": "string"})
    campaign_id = ma.fields.Integer()
    state = ma.fields.Enum(CallbackState, by_value=True)
    done_at = ma.fields.AwareDateTime(allow_none=True)
    done_name = ma.fields.String(metadata={"description": "Who called back: a person or a key"})


class CallbackPage(PageSchema):
    items = ma.fields.List(ma.fields.Nested(CallbackSchema))


class CallbackArgs(PageArgs):
    state = ma.fields.Enum(CallbackState, by_value=True, load_default=None)


@blueprint.get("/callbacks")
@blueprint.arguments(CallbackArgs, location="query")
@blueprint.response(200, CallbackPage)
@blueprint.doc(security=[{"token": []}], summary="List callback requests, newest first")
@needs("callbacks:read")
def show(args: dict[str, Any]) -> Any:
    wanted = () if args["state"] is None else (CallbackRequest.state == args["state"],)
    return fetch(CallbackRequest, args, *wanted)


@blueprint.post("/callbacks/<int:request_id>/done")
@blueprint.response(204)
@blueprint.doc(security=[{"token": []}], summary="Say that somebody called back; a repeat changes nothing")
@needs("callbacks:write")
def done(request_id: int) -> None:
    known = decode_id(request_id)
    if known is None:
        raise NotFound("callback.not_found")
    with unit_of_work(current_scope()) as session:
        callback_request.done(session, known, actor=current_actor())
