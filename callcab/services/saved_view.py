"""Saved views of lists: one's own, and those that colleagues share."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from callcab.models import SavedView
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit, listing
from callcab.services.lock import take_turn

LONGEST_NAME = 60
# In one list, of one person and shared by his house: more would not fit above it.
LIMIT = 12
# Asked for every list, so built once and read without the mapper.
_VIEWS = SavedView.__table__.c
_MINE = _VIEWS.owner_id == sa.bindparam("owner_id")
_OF_LIST = (
    sa.select(_VIEWS.id, _VIEWS.name, _VIEWS.query, _VIEWS.shared, _VIEWS.owner_id)
    .where(_VIEWS.list_name == sa.bindparam("list_name"), sa.or_(_MINE, _VIEWS.shared))
    .order_by(_MINE.desc(), _VIEWS.id)
)
_OF_STAFF = _OF_LIST.where(_VIEWS.customer_id.is_(None))
_OF_CUSTOMER = _OF_LIST.where(_VIEWS.customer_id == sa.bindparam("customer_id"))


def of_list(session: CabSession, list_name: str, *, actor: Actor) -> Sequence[Any]:
    """The views that this person sees in a list, his own first, as rows: ``id, name, query, shared, owner_id``."""
    asked = {"owner_id": actor.user_id, "list_name": list_name, "customer_id": actor.customer_id}
    return session.connection().execute(_OF_STAFF if actor.customer_id is None else _OF_CUSTOMER, asked).all()


def get(session: CabSession, view_id: int, *, list_name: str, actor: Actor) -> SavedView:
    """One of them. NotFound ``saved_view.not_found``, for somebody else's as well."""
    found: SavedView | None = session.scalar(
        sa.select(SavedView).where(SavedView.id == view_id, SavedView.list_name == list_name, _seen_by(actor))
    )
    if found is None:
        raise NotFound("saved_view.not_found")
    return found


def save(
    session: CabSession, *, list_name: str, name: str, query: Sequence[tuple[str, str]], shared: bool, actor: Actor
) -> SavedView:
    """Keep what a list shows under a name. Flushed; a shared one is audited.

    Raises Invalid ``field.required``, ``field.too_long``, ``saved_view.nothing`` for the bare list; Conflict
    ``saved_view.name_taken``; LimitReached ``saved_view.limit``; Forbidden for sharing without ``view.share``.
    """
    name = " ".join(name.split())
    listing.get(list_name)
    if not name:
        raise Invalid("field.required", field="name")
    if len(name) > LONGEST_NAME:
        raise Invalid("field.too_long", field="name", limit=LONGEST_NAME)
    if not query:
        raise Invalid("saved_view.nothing", field="name")
    if shared and not may_share(actor):
        raise Forbidden("forbidden")
    take_turn(session, "saved_view", actor.customer_id, list_name)
    _check_room(session, list_name, name, shared, actor)
    view = SavedView(
        list_name=list_name,
        name=name,
        query=[list(pair) for pair in query],
        shared=shared,
        owner_id=actor.user_id,
        customer_id=actor.customer_id,
    )
    session.add(view)
    session.flush()
    if shared:
        _note(session, "saved_view.share", view, actor)
    return view


def delete(session: CabSession, view_id: int, *, list_name: str, actor: Actor) -> str:
    """Forget one's own view, or a shared one where one may share; its name. Flushed; of a shared one audited.

    Raises NotFound, Forbidden.
    """
    view = get(session, view_id, list_name=list_name, actor=actor)
    if not may_delete(view, actor):
        raise Forbidden("forbidden")
    if view.shared:
        _note(session, "saved_view.delete", view, actor)
    session.delete(view)
    session.flush()
    return view.name


def may_share(actor: Actor) -> bool:
    """Whether his views may be everybody's."""
    return allowed(actor.role, "view.share")


def may_delete(view: Any, actor: Actor) -> bool:
    """One's own, and shared ones for those who share; of a row of ``of_list`` or a ``SavedView``."""
    return bool(view.owner_id == actor.user_id or (view.shared and may_share(actor)))


def _check_room(session: CabSession, list_name: str, name: str, shared: bool, actor: Actor) -> None:
    seen = of_list(session, list_name, actor=actor)
    mine = [view for view in seen if view.owner_id == actor.user_id]
    if any(view.name.casefold() == name.casefold() for view in mine):
        raise Conflict("saved_view.name_taken", field="name")
    if len(mine) >= LIMIT or (shared and sum(view.shared for view in seen) >= LIMIT):
        raise LimitReached("saved_view.limit", limit=LIMIT)


def _seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    house = SavedView.customer_id
    ours = house.is_(None) if actor.customer_id is None else house == actor.customer_id
    return sa.and_(ours, sa.or_(SavedView.owner_id == actor.user_id, SavedView.shared))


def _note(session: CabSession, action: str, view: SavedView, actor: Actor) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=view.customer_id,
        object_type="saved_view",
        object_id=view.id,
        after={"name": view.name},
    )
