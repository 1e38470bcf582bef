"""How a number's answer rate compares with its own usual one: a sudden fall means a label «спам» or a broken route.

Counted by the timetable, never by a page: calls per number and day (NumberDay), then one look at the numbers that
called lately. A number falls when its last day or week is clearly below the median of its own earlier days, by more
than chance would do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.models import Call, CallState, NumberDay, NumberHealth, NumberKind, NumberState, Outcome, PhoneNumber

DAY, WEEK = timedelta(days=1), timedelta(days=7)
# The usual rate is the median of the days of these weeks, the last seven days left out.
HISTORY = timedelta(days=35)
KEPT = timedelta(days=60)
# A day with fewer calls says nothing; fewer days make no median.
DAY_CALLS, USUAL_DAYS = 5, 5
# What has to be seen before a fall is believed: calls, and how much below the usual (hundredths of it).
DAY_LEAST, DAY_SHARE = 20, 60
WEEK_LEAST, WEEK_SHARE = 100, 75
# Standard deviations of pure chance.
CHANCE = 2.5
# Calls that say nothing about the number: nobody was rung.
UNHEARD = (Outcome.REQUEST_REFUSED, Outcome.LOST, Outcome.CONGESTION, Outcome.UNALLOCATED)
CHUNK = 500


@dataclass(frozen=True)
class Judgement:
    """What is said of a number; shares are hundredths, None where there were too few calls."""

    health: NumberHealth
    day: tuple[int, int]
    week: tuple[int, int]
    usual: int | None
    points: tuple[tuple[str, int, int], ...]

    def stored(self) -> dict[str, Any]:
        return {"day": self.day, "week": self.week, "usual": self.usual, "points": self.points}


def share(calls: int, answered: int) -> int | None:
    """Answered calls of a hundred; None without calls."""
    return round(100 * answered / calls) if calls else None


def is_fall(calls: int, answered: int, usual: int, *, least: int, keeps: int) -> bool:
    """Whether so few answers mean a fall: enough calls, under ``keeps`` hundredths of the usual, and not by chance."""
    if calls < least or not usual:
        return False
    expected = usual / 100
    chance = sqrt(expected * (1 - expected) / calls)
    rate = answered / calls
    return rate < expected * keeps / 100 and rate < expected - CHANCE * chance


def judge(points: list[tuple[str, int, int]], last_day: tuple[int, int], *, today: str, week_ago: str) -> Judgement:
    """Say how a number does from its days (ISO day, calls, answered) in order, and its last 24 hours."""
    earlier = [(calls, answered) for day, calls, answered in points if day <= week_ago]
    shares = [100 * answered / calls for calls, answered in earlier if calls >= DAY_CALLS]
    usual = round(median(shares)) if len(shares) >= USUAL_DAYS else None
    recent = [(calls, answered) for day, calls, answered in points if week_ago < day <= today]
    week = (sum(calls for calls, _ in recent), sum(answered for _, answered in recent))
    if usual is None:
        health = NumberHealth.UNKNOWN
    elif is_fall(*last_day, usual, least=DAY_LEAST, keeps=DAY_SHARE) or is_fall(
        *week, usual, least=WEEK_LEAST, keeps=WEEK_SHARE
    ):
        health = NumberHealth.FALLING
    else:
        health = NumberHealth.GOOD
    return Judgement(health, last_day, week, usual, tuple(points))


def count_days(session: CabSession, *, now: datetime) -> int:
    """Bring NumberDay up to date: yesterday and today again, or the whole history the first time. Returns rows."""
    newest = session.scalar(sa.select(sa.func.max(NumberDay.day)))
    start = now - HISTORY if newest is None else max(now - HISTORY, _midnight(now, newest) - DAY)
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    day = sa.cast(sa.func.timezone("UTC", Call.created_at), sa.Date)
    calls, answered = sa.func.count(), sa.func.count(Call.answered_at)
    counted = sa.select(Call.from_phone, day, calls, answered).where(Call.created_at >= start, *_heard())
    fresh = insert(NumberDay).from_select(["phone", "day", "calls", "answered"], counted.group_by(Call.from_phone, day))
    upsert = fresh.on_conflict_do_update(
        index_elements=[NumberDay.phone, NumberDay.day],
        set_={"calls": fresh.excluded.calls, "answered": fresh.excluded.answered},
    )
    written = session.connection().execute(upsert).rowcount
    session.execute(sa.delete(NumberDay).where(NumberDay.day < (now - KEPT).date()))
    return written


def _midnight(now: datetime, day: Any) -> datetime:
    return now.replace(year=day.year, month=day.month, day=day.day)


def _heard() -> tuple[sa.ColumnElement[bool], ...]:
    return (Call.from_phone.is_not(None), Call.state == CallState.FINISHED, Call.outcome.not_in(UNHEARD))


def waiting(session: CabSession, *, now: datetime, limit: int = 5_000) -> list[int]:
    """Numbers to judge now: those that called in the last weeks, and those whose judgement has grown old."""
    called = sa.select(NumberDay.phone).where(NumberDay.day > (now - HISTORY).date())
    return list(
        session.scalars(
            sa.select(PhoneNumber.id)
            .where(sa.or_(PhoneNumber.phone.in_(called), PhoneNumber.health != NumberHealth.UNKNOWN))
            .where(sa.or_(PhoneNumber.kind != NumberKind.PERSONAL, PhoneNumber.state == NumberState.VERIFIED))
            .order_by(PhoneNumber.health_at.nulls_first(), PhoneNumber.id)
            .limit(limit)
        )
    )


def judge_numbers(session: CabSession, number_ids: list[int], *, now: datetime) -> int:
    """Write down how these numbers do; returns how many fall. A number in somebody's hands is left for next time."""
    numbers = session.scalars(
        sa.select(PhoneNumber)
        .where(PhoneNumber.id.in_(number_ids))
        .order_by(PhoneNumber.id)
        .with_for_update(skip_locked=True)
    ).all()
    phones = [number.phone for number in numbers]
    days, hours = _days(session, phones, now), _last_day(session, phones, now)
    falling = 0
    for number in numbers:
        found = judge(
            days.get(number.phone, []),
            hours.get(number.phone, (0, 0)),
            today=now.date().isoformat(),
            week_ago=(now - WEEK).date().isoformat(),
        )
        number.health, number.health_data, number.health_at = found.health, found.stored(), now
        falling += found.health is NumberHealth.FALLING
    session.flush()
    return falling


def _days(session: CabSession, phones: list[int], now: datetime) -> dict[int, list[tuple[str, int, int]]]:
    rows = session.execute(
        sa.select(NumberDay.phone, NumberDay.day, NumberDay.calls, NumberDay.answered)
        .where(NumberDay.phone.in_(phones), NumberDay.day > (now - HISTORY).date())
        .order_by(NumberDay.day)
    )
    found: dict[int, list[tuple[str, int, int]]] = {}
    for phone, day, calls, answered in rows:
        found.setdefault(phone, []).append((day.isoformat(), calls, answered))
    return found


def _last_day(session: CabSession, phones: list[int], now: datetime) -> dict[int, tuple[int, int]]:
    rows = session.execute(
        sa.select(Call.from_phone, sa.func.count(), sa.func.count(Call.answered_at))
        .where(Call.created_at > now - DAY, Call.from_phone.in_(phones), *_heard())
        .group_by(Call.from_phone)
    )
    return {phone: (calls, answered) for phone, calls, answered in rows if phone is not None}
