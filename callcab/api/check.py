"""May this number be called now? The same decision as before each call."""

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask_login import current_user

from callcab.api.base import make_blueprint, needs
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.scope import Scope
from callcab.services.decision import decide

blueprint = make_blueprint("check", "Check a number before a call")


class CheckArgs(ma.Schema):
    phone = ma.fields.String(required=True, validate=ma.validate.Length(1, 40))


class FindingSchema(ma.Schema):
    rule = ma.fields.String()
    verdict = ma.fields.String()
    code = ma.fields.String()
    evidence = ma.fields.Dict(
        keys=ma.fields.String(), metadata={"description": "what the rule saw; the keys differ from rule to rule"}
    )


class CheckSchema(ma.Schema):
    allowed = ma.fields.Boolean()
    code = ma.fields.String(metadata={"description": "allowed, or the code of the first rule that refuses"})
    verdict = ma.fields.String(metadata={"description": "ok, never, later or campaign"})
    retry_at = ma.fields.AwareDateTime(allow_none=True)
    trace = ma.fields.List(ma.fields.Nested(FindingSchema))


@blueprint.post("/check")
@blueprint.arguments(CheckArgs)
@blueprint.response(200, CheckSchema)
@blueprint.doc(security=[{"token": []}], summary="May this number be called now?")
@needs("check:write")
def check(args: dict[str, Any]) -> Any:
    with unit_of_work(Scope.system("decision")) as session:
        found = decide(
            session,
            customer_id=current_user.customer_id,
            phone=args["phone"].replace("\x00", ""),
            campaign=None,
            now=clock.now(),
        )
    return asdict(found)
