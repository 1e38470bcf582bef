"""The IP allow list before every request of a person or a program (rules I5-I7, AC-15 to AC-19)."""

from flask import Flask, g, request
from flask_login import current_user
from werkzeug.wrappers import Response

from callcab.db import unit_of_work
from callcab.models import Door
from callcab.services import api_token, ip_denial, ip_rule, session_record
from callcab.web import errors
from callcab.web.auth import SIGN_IN, Identity
from callcab.web.language import gettext as _

# Leaving is allowed from everywhere; nothing private is behind the others.
OPEN_ENDPOINTS = ("static", "login.sign_out")
OPEN_BLUEPRINTS = ("health",)


def init_app(app: Flask) -> None:
    """Stand right behind sign-in, before anything that reads or writes for the person."""
    app.before_request(_guard)


def _guard() -> Response | None:
    if request.endpoint in OPEN_ENDPOINTS or request.blueprint in OPEN_BLUEPRINTS:
        return None
    who: Identity = current_user._get_current_object()
    if not who.is_authenticated:
        return None
    if not who.door.allowed:
        return _refuse(who)
    if who.stamp_due or who.door.stamp_due:
        _note_use(who)
    return None


def _refuse(who: Identity) -> Response:
    """403 without a word about the list, and a row for the owner's list of refusals."""
    with unit_of_work(SIGN_IN) as session:
        ip_denial.note(
            session,
            customer_id=who.customer_id,
            user_id=who.id,
            address=g.get("client_address", ""),
            door=_door(who),
            agent=request.user_agent.string,
        )
    return errors.answer(403, "ip.refused", _("Доступ запрещен"), {})


def _door(who: Identity) -> Door:
    if who.token_id is not None:
        return Door.API
    return Door.ADMIN if who.is_staff else Door.CABINET


def _note_use(who: Identity) -> None:
    with unit_of_work(SIGN_IN) as session:
        if who.stamp_due and who.session_id is not None:
            session_record.stamp(session, who.session_id)
        if who.stamp_due and who.token_id is not None:
            api_token.stamp(session, who.token_id)
        if who.door.stamp_due and who.door.rule_id is not None:
            ip_rule.stamp(session, who.door.rule_id)
