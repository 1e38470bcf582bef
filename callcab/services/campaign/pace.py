"""How many calls may begin now: lines in use at once and calls begun in a second, of a campaign, of a customer, of all.

A bucket (DialRate) holds permissions to dial: it fills by the rate, a second's worth at most, so that no second begins
more than twice the rate and no longer time more than the rate. Rounds of several workers take from it in turns: its row
is locked until the calls are on record.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.models import Call, Campaign, Customer, DialRate
from callcab.services import bulk

# The bucket of the whole service; its lock also lets one round at a time count all lines.
ALL = "all"
# A bucket that nobody touched for so long is full: its row says nothing.
IDLE = timedelta(days=1)
_second_in_all = 0
_lines_in_all = 0


def allow_in_all(*, per_second: int, lines: int) -> None:
    """Say how many calls the whole service may begin in a second and have at once; 0 = no limit. For the edge."""
    global _second_in_all, _lines_in_all
    _second_in_all, _lines_in_all = per_second, lines


def grant(session: CabSession, campaign: Campaign, account: Customer, wanted: int, *, now: datetime) -> int:
    """How many of ``wanted`` calls may begin now; so many permissions are taken. Flushed.

    The campaign and its customer's account are locked: the campaign's own lines are counted already, the customer's
    are counted here. Needs a system scope.
    """
    rates = _rates(campaign, account)
    buckets = _lock(session, rates, now) if rates else {}
    room = wanted
    if account.lines is not None:
        room = min(room, account.lines - _open_calls(session, Call.customer_id == account.id))
    if _lines_in_all:
        room = min(room, _lines_in_all - _open_calls(session, sa.true()))
    for key, rate in rates.items():
        if rate:
            room = min(room, int(_filled(buckets[key], rate, now)))
    room = max(0, room)
    for key, rate in rates.items():
        if rate:
            bucket = buckets[key]
            bucket.tokens = _filled(bucket, rate, now) - room
            bucket.filled_at, bucket.granted = max(now, bucket.filled_at), room
    session.flush()
    return room


def forget_idle(session: CabSession, *, now: datetime) -> None:
    """Delete buckets of campaigns and customers that have not dialled for long. For the timetable."""
    session.execute(sa.delete(DialRate).where(DialRate.filled_at < now - IDLE))


def _rates(campaign: Campaign, account: Customer) -> dict[str, int]:
    """Calls per second by bucket, in the order of the locks; 0 = only the turn counts."""
    rates = {}
    if _second_in_all or _lines_in_all:
        rates[ALL] = _second_in_all
    if campaign.calls_per_second:
        rates[f"campaign:{campaign.id}"] = campaign.calls_per_second
    if account.calls_per_second:
        rates[f"customer:{account.id}"] = account.calls_per_second
    return rates


def _lock(session: CabSession, rates: Mapping[str, int], now: datetime) -> dict[str, DialRate]:
    full = [{"key": key, "tokens": Decimal(rate), "filled_at": now, "granted": 0} for key, rate in rates.items()]
    session.execute(insert(DialRate).values(full).on_conflict_do_nothing())
    locked = session.scalars(
        sa.select(DialRate)
        .where(DialRate.key == bulk.any_text(list(rates)))
        .order_by(DialRate.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {bucket.key: bucket for bucket in locked}


def _filled(bucket: DialRate, rate: int, now: datetime) -> Decimal:
    """What is in the bucket now; clocks of two machines may differ, so time never runs backwards here."""
    passed = max(timedelta(0), now - bucket.filled_at) / timedelta(milliseconds=1)
    return min(Decimal(rate), bucket.tokens + Decimal(round(passed)) * rate / 1000)


def _open_calls(session: CabSession, whose: sa.ColumnElement[bool]) -> int:
    counted = sa.select(sa.func.count()).select_from(Call).where(whose, Call.ended_at.is_(None))
    return session.scalar(counted) or 0
