"""Checks of the ledger: each adds up all entries, so a job does it and pages show what came of the last one."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Customer, LedgerCheck
from callcab.scope import Actor
from callcab.services import audit, ledger
from callcab.services.lock import take_turn

JOB = "ledger.check"
EVERY = timedelta(hours=1)
# A result older than this is no news: pages say so.
STALE = 2 * EVERY
# A job that was lost is sent again after this long.
SILENCE = timedelta(minutes=5)
KEPT_FOR = timedelta(days=90)
NAMED = 20


@dataclass(frozen=True)
class Health:
    """The last finished check, None before the first; whether another one is on its way; whether it is old."""

    last: LedgerCheck | None
    running: bool
    stale: bool


def ask(session: CabSession, *, actor: Actor) -> LedgerCheck:
    """Have the ledger checked; the check that is on its way already, if there is one. Flushed, audited for people."""
    take_turn(session, "ledger_check")
    waiting: LedgerCheck | None = session.scalar(sa.select(LedgerCheck).where(LedgerCheck.finished_at.is_(None)))
    if waiting is not None:
        return waiting
    made = LedgerCheck(created_by=actor.user_id)
    session.add(made)
    session.flush()
    if actor.is_staff:
        audit.record(
            session, "ledger.check", actor=actor, customer_id=None, object_type="ledger_check", object_id=made.id
        )
    queue.later(session, JOB, check_id=made.id)
    return made


def carry_out(session: CabSession, check_id: int) -> LedgerCheck | None:
    """Add everything up, in one statement that sees one moment; None when it was done or is being done. Flushed."""
    statement = sa.select(LedgerCheck).where(LedgerCheck.id == check_id, LedgerCheck.finished_at.is_(None))
    check: LedgerCheck | None = session.scalar(statement.with_for_update(skip_locked=True))
    if check is None:
        return None
    wrong = ledger.discrepancies(session)
    check.customers = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
    check.wrong_count = len(wrong)
    check.wrong = [{name: _plain(value) for name, value in row.items()} for row in wrong[:NAMED]]
    check.finished_at = clock.now()
    session.flush()
    return check


def sweep(session: CabSession) -> None:
    """Ask for a check each hour, send a lost one again, forget old ones. For the timetable."""
    now = clock.now()
    newest: LedgerCheck | None = session.scalar(sa.select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(1))
    if newest is None or (newest.finished_at is not None and newest.created_at <= now - EVERY):
        ask(session, actor=Actor.system("tick"))
    elif newest.finished_at is None and newest.created_at <= now - SILENCE:
        queue.later(session, JOB, check_id=newest.id)
    session.execute(sa.delete(LedgerCheck).where(LedgerCheck.created_at < now - KEPT_FOR))


def health(session: CabSession) -> Health:
    """What pages show; two probes of the primary key."""
    newest = session.scalars(sa.select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(2)).all()
    last = next((check for check in newest if check.finished_at is not None), None)
    running = bool(newest) and newest[0].finished_at is None
    stale = last is not None and last.finished_at is not None and last.finished_at < clock.now() - STALE
    return Health(last, running, stale)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
