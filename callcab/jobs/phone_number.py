"""The timetable of numbers: rentals that end or are about to, numbers that nobody needs, their health."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from callcab.db import CabSession, unit_of_work
from callcab.jobs import edge
from callcab.jobs.registry import every
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.lib.errors import DomainError
from callcab.lib.money import format_number
from callcab.models import Customer
from callcab.scope import Actor, Scope
from callcab.services import mail
from callcab.services.phone_number import health, renewal, stuck

SCOPE = Scope.system("number rentals")
LINES = 100


@every(60)
def end_rentals() -> None:
    """Prolong what goes on by itself; give the rest back to the pool and tell who could not pay."""
    now = clock.now()
    with unit_of_work(SCOPE) as session:
        due = renewal.due(session, now=now)
    for number_id in due:
        with unit_of_work(SCOPE) as session:
            ended = renewal.end(session, number_id, now=now)
            if ended is not None and ended.ending is renewal.Ending.NO_MONEY:
                text = edge.word("rental.no_money_letter") % {"phone": _shown(ended.phone)}
                _write(session, ended.customer_id, "rental.no_money", text)


@every(600)
def notify() -> None:
    """Write to customers whose rentals end within three days, and again within one."""
    with unit_of_work(SCOPE) as session:
        for customer_id, found in sorted(renewal.notices(session, now=clock.now()).items()):
            customer = session.get_one(Customer, customer_id)
            lines = [_line(item, customer) for item in found[:LINES]]
            if len(found) > LINES:
                lines.append(edge.word("rental.notice_more") % {"count": len(found) - LINES})
            text = edge.word("rental.notice_letter") % {
                "numbers": "\n".join(lines),
                "available": format_number(customer.available, 2),
            }
            _write(session, customer_id, "rental.notice", text)


@every(120)
def release_stuck() -> None:
    """Give back numbers that provably nobody uses."""
    with unit_of_work(SCOPE) as session:
        found = stuck.safe_ones(session)
    for number_id in found:
        try:
            with unit_of_work(SCOPE) as session:
                stuck.release_stuck(session, number_id, actor=Actor.system(), only_safe=True)
        except DomainError:
            continue


@every(600)
def check_health() -> None:
    """Count the last days and judge the numbers by them."""
    now = clock.now()
    with unit_of_work(SCOPE) as session:
        health.count_days(session, now=now)
        waiting = health.waiting(session, now=now)
    for start in range(0, len(waiting), health.CHUNK):
        with unit_of_work(SCOPE) as session:
            health.judge_numbers(session, waiting[start : start + health.CHUNK], now=now)


def _line(item: renewal.Notice, customer: Customer) -> str:
    until = item.until.astimezone(ZoneInfo(customer.zone)).strftime("%d.%m.%Y %H:%M")
    key = "rental.notice_ends" if item.price is None else "rental.notice_prolongs"
    values = {"phone": _shown(item.phone), "until": until, "price": format_number(item.price or Decimal(0), 2)}
    return edge.word(key) % values


def _write(session: CabSession, customer_id: int, kind: str, text: str) -> None:
    mail.send(
        session,
        kind=kind,
        recipient=session.get_one(Customer, customer_id).email,
        subject=edge.word(f"{kind}_subject"),
        text=text,
        customer_id=customer_id,
    )


def _shown(phone: int) -> str:
    return phones.display(phones.from_int(phone))
