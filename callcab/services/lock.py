"""Turns: two transactions that would decide the same thing go one after the other."""

import sqlalchemy as sa

from callcab.db import CabSession


def take_turn(session: CabSession, *about: object) -> None:
    """Wait for the turn on this subject; it ends with the transaction.

    For decisions over several rows, or over rows that do not exist yet, where no row can be locked. Waits 5 seconds at
    most, then the database refuses. Locks of unequal subjects may rarely coincide, which only costs a wait.
    """
    key = ":".join(str(part) for part in about)
    session.execute(sa.text("SELECT set_config('lock_timeout', '5s', true)"))
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))
