"""IP allow list: who may come in from where (rules I1-I6). The list of support itself has no customer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession, Reader
from callcab.lib import clock, ip_network
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import Customer, IpRule
from callcab.scope import Actor
from callcab.services import audit, cell
from callcab.services.lock import take_turn

LIMIT = 100
NOTE_LIMIT = 200
OPEN_FOR = timedelta(minutes=60)
# "Last used" is told to the hour; the wall must not make each request a write.
USED_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Verdict:
    """What the list says about an address.

    rule_id     the entry that let it in; None for an empty list, an opened door or a refusal
    stamp_due   whether it is time to note the use of that entry
    """

    allowed: bool
    rule_id: int | None = None
    stamp_due: bool = False


@dataclass(frozen=True)
class Added:
    """A new entry and what the person should know about it (``callcab.lib.ip_network.Entry.notices``)."""

    rule: IpRule
    notices: tuple[str, ...]


# Asked for every request of a program, so plain text: building and keying the statement took longer than answering it
# (for people it is a part of ``callcab.policies.create_session_holder``). It looks at one customer's list, or support's
# own; NULL covers nothing.
_WHO_COMES_IN = sa.text("""
SELECT count(*) AS total, max(r.id) FILTER (WHERE r.network >>= CAST(:address AS inet)) AS rule_id,
       max(r.last_used_at) FILTER (WHERE r.network >>= CAST(:address AS inet)) AS used_at
FROM ip_rule r WHERE r.customer_id = CAST(:customer_id AS bigint)
  OR (r.customer_id IS NULL AND CAST(:customer_id AS bigint) IS NULL)
""")


def verdict(session: Reader, *, customer_id: int | None, address: str, open_until: datetime | None = None) -> Verdict:
    """May this address come in? An empty list lets everybody in (rule I5); an unreadable address matches nothing."""
    row = session.execute(_WHO_COMES_IN, {"address": readable(address), "customer_id": customer_id}).one()
    return judge(row.total, row.rule_id, row.used_at, open_until)


def readable(address: str) -> str | None:
    """The address as the database takes it."""
    known = ip_network.read_address(address)
    return None if known is None else str(known)


def judge(total: int, rule_id: int | None, used_at: datetime | None, open_until: datetime | None) -> Verdict:
    """What it means that the list has ``total`` entries, and which of them covers the address."""
    now = clock.now()
    if rule_id is not None:
        return Verdict(True, rule_id, used_at is None or now - used_at >= USED_EVERY)
    return Verdict(total == 0 or (open_until is not None and open_until > now))


def stamp(session: CabSession, rule_id: int) -> None:
    """Note that the entry let somebody in, at most once an hour."""
    now = clock.now()
    session.execute(
        sa.update(IpRule)
        .where(
            IpRule.id == rule_id,
            sa.or_(IpRule.last_used_at.is_(None), IpRule.last_used_at <= now - USED_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


def add(
    session: CabSession,
    *,
    customer_id: int | None,
    text: str,
    note: str = "",
    current_address: str | None,
    confirmed: bool = False,
    actor: Actor,
) -> Added:
    """Add one address or network (rules I1-I5). Flushed.

    current_address   where the person sits, guarded against locking himself out; None for support, who sits elsewhere
    raises            Invalid ``ip.<reason of ip_network>``, Conflict ``ip.duplicate`` or ``ip.locks_you_out`` (ask,
                      then call again ``confirmed``), LimitReached ``ip.limit``
    """
    try:
        entry = ip_network.parse(text)
    except ip_network.IpError as problem:
        raise Invalid(f"ip.{problem.reason}", field="network") from None
    note = " ".join(note.split())
    if len(note) > NOTE_LIMIT:
        raise Invalid("field.too_long", field="note", limit=NOTE_LIMIT)
    networks = _networks(session, customer_id)
    if entry.canonical in networks:
        raise Conflict("ip.duplicate", field="network", network=entry.canonical)
    if len(networks) >= LIMIT:
        raise LimitReached("ip.limit", limit=LIMIT)
    _guard([*networks, entry.canonical], current_address, confirmed)
    rule = IpRule(customer_id=customer_id, network=entry.canonical, note=note, created_by=actor.user_id)
    session.add(rule)
    session.flush()
    _note(session, "ip.add", customer_id, actor, rule.id, after={"network": entry.canonical, "note": note})
    return Added(rule, entry.notices)


def delete(
    session: CabSession,
    *,
    customer_id: int | None,
    ids: Collection[int],
    current_address: str | None,
    confirmed: bool = False,
    actor: Actor,
) -> int:
    """Delete entries; those that are gone already do not count. Returns how many went.

    raises   NotFound ``ip.not_found`` when none of them is there, Conflict ``ip.locks_you_out`` unless ``confirmed``
    """
    _networks(session, customer_id)
    rules = list(session.scalars(sa.select(IpRule).where(_of(customer_id)).order_by(IpRule.id)))
    leaving = [rule for rule in rules if rule.id in set(ids)]
    if not leaving:
        raise NotFound("ip.not_found")
    staying = [_text(rule.network) for rule in rules if rule not in leaving]
    if any(ip_network.contains([_text(rule.network)], current_address or "") for rule in leaving):
        _guard(staying, current_address, confirmed)
    for rule in leaving:
        _note(session, "ip.delete", customer_id, actor, rule.id, before={"network": _text(rule.network)})
        session.delete(rule)
    session.flush()
    return len(leaving)


def set_note(session: CabSession, rule_id: int, *, value: str, seen: str, actor: Actor) -> None:
    """Say what an entry is for. Flushed, audited.

    raises   NotFound ``ip.not_found``, Invalid ``field.too_long``, Conflict ``cell.changed``
    """
    note = cell.one_line(value, NOTE_LIMIT)
    mine = sa.true() if actor.is_staff else IpRule.customer_id == actor.customer_id
    rule = session.scalar(sa.select(IpRule).where(IpRule.id == rule_id, mine).with_for_update(of=IpRule))
    if rule is None:
        raise NotFound("ip.not_found")
    before = cell.change(rule, "note", value=note, seen=seen)
    if before is not None:
        _note(session, "ip.note", rule.customer_id, actor, rule.id, before=before, after={"note": note})
        session.flush()


def locks_out(session: CabSession, rows: sa.Select[Any], *, address: str, actor: Actor) -> bool:
    """Whether deleting the selected entries would keep the person out who sits at ``address`` (as ``delete`` asks)."""
    chosen = set(session.scalars(rows.with_only_columns(IpRule.id).order_by(None)))
    rules = session.execute(sa.select(IpRule.id, IpRule.network).where(_of(actor.customer_id))).all()
    leaving = [_text(rule.network) for rule in rules if rule.id in chosen]
    staying = [_text(rule.network) for rule in rules if rule.id not in chosen]
    return bool(staying) and ip_network.contains(leaving, address) and not ip_network.contains(staying, address)


def clear(session: CabSession, *, customer_id: int | None, actor: Actor) -> int:
    """Empty the list, so that everybody may come in again: the way back for who locked himself out (AC-18)."""
    networks = _networks(session, customer_id)
    session.execute(sa.delete(IpRule).where(_of(customer_id)).execution_options(synchronize_session=False))
    _note(session, "ip.clear", customer_id, actor, None, before={"networks": networks})
    return len(networks)


def open_door(session: CabSession, *, customer_id: int, actor: Actor, reason: str = "") -> datetime:
    """Let everybody of the customer in for an hour in spite of the list; returns until when.

    Raises NotFound ``customer.not_found``.
    """
    until = clock.now() + OPEN_FOR
    found = session.execute(
        sa.update(Customer)
        .where(Customer.id == customer_id)
        .values(ip_open_until=until)
        .returning(Customer.id)
        .execution_options(synchronize_session=False)
    ).first()
    if found is None:
        raise NotFound("customer.not_found")
    audit.record(
        session,
        "ip.open",
        actor=actor,
        customer_id=customer_id,
        object_type="customer",
        object_id=customer_id,
        after={"ip_open_until": until},
        reason=reason,
    )
    return until


def covered(session: CabSession, *, customer_id: int | None, address: str) -> bool:
    """Whether an entry names this address, for «добавить текущий адрес»."""
    return verdict(session, customer_id=customer_id, address=address).rule_id is not None


def _guard(networks: list[str], current_address: str | None, confirmed: bool) -> None:
    """An emptied list locks nobody out."""
    if current_address is None or confirmed or not networks:
        return
    if not ip_network.contains(networks, current_address):
        raise Conflict("ip.locks_you_out", address=current_address)


def _networks(session: CabSession, customer_id: int | None) -> list[str]:
    """The list as it is, under its lock: limit, duplicates and the guard are judged on what really stands there."""
    take_turn(session, "ip_rule", customer_id)
    return [_text(network) for network in session.scalars(sa.select(IpRule.network).where(_of(customer_id)))]


def _text(network: object) -> str:
    """PostgreSQL says `10.0.0.1/32`, rule I1 says `10.0.0.1`."""
    return ip_network.parse(str(network)).canonical


def _of(customer_id: int | None) -> sa.ColumnElement[bool]:
    return IpRule.customer_id.is_(None) if customer_id is None else IpRule.customer_id == customer_id


def _note(
    session: CabSession,
    action: str,
    customer_id: int | None,
    actor: Actor,
    rule_id: int | None,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=customer_id,
        object_type="ip_rule",
        object_id=rule_id,
        before=before,
        after=after,
    )
