"""The bulk half of each day: payments of the morning and calls of its campaigns, customer by customer."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.cli.demo import calls, daybook, money
from callcab.cli.demo.daybook import Called
from callcab.cli.demo.people import FIRMS, HISTORY_DAYS, World
from callcab.models import BlacklistEntry, BlacklistSource, CallbackRequest, CallbackState


def plan(world: World) -> None:
    """Each morning is written at its end; needs ``money.plan`` and ``calls.plan`` before."""
    for days in range(HISTORY_DAYS - 1, -1, -1):
        window = world.timeline.morning(days)
        if window is None:
            continue
        for firm in FIRMS:
            if days < firm.days:
                world.timeline.add(window[1], lambda key=firm.key, day=days: _write(world, key, day))


def _write(world: World, key: str, days: int) -> None:
    window = world.timeline.morning(days)
    customer = world.customers[key]
    called = calls.morning(world, key, days)
    paid = list(world.paid.pop((key, days), []))
    if window and (paid or called):
        expected = customer.balance + sum(item.amount for item in paid)
        paid += money.used(world, key, days, window[1], expected)
        ids = daybook.write(world.session, customer, paid, called)
        _opt_outs(world, customer.id, called, ids)
        _callbacks(world, key, days, called, ids)
        for campaign_id in dict.fromkeys(call.campaign_id for call in called):
            calls.close(world, campaign_id)


def _opt_outs(world: World, customer_id: int, called: Sequence[Called], ids: Sequence[int]) -> None:
    """Who pressed 9 is on the customer's list, as the event of the call would have put him there."""
    rows = [
        {
            "customer_id": customer_id,
            "phone": call.phone,
            "source": BlacklistSource.IVR,
            "reason": "IVR 9",
            "author_name": "",
            "call_id": call_id,
            "created_at": call.ended_at,
        }
        for call, call_id in zip(called, ids, strict=True)
        if "9" in call.digits
    ]
    if rows:
        world.session.execute(insert(BlacklistEntry).values(rows).on_conflict_do_nothing())


def _callbacks(world: World, key: str, days: int, called: Sequence[Called], ids: Sequence[int]) -> None:
    """Who pressed 2 waits for a call; those of earlier days had it in the afternoon."""
    seen_to = days > 1
    rows = [
        {
            "customer_id": world.customers[key].id,
            "campaign_id": call.campaign_id,
            "call_id": call_id,
            "phone": call.phone,
            "state": CallbackState.DONE if seen_to else CallbackState.NEW,
            "done_at": call.ended_at + timedelta(hours=2) if seen_to else None,
            "done_by": world.owners[key].id if seen_to else None,
            "done_name": world.owners[key].name if seen_to else "",
            "created_at": call.ended_at,
        }
        for call, call_id in zip(called, ids, strict=True)
        if "2" in call.digits
    ]
    if rows:
        world.session.execute(sa.insert(CallbackRequest), rows)
