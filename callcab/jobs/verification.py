"""Places verification calls, ends those whose time is over."""

import logging
from zoneinfo import ZoneInfo

from callcab import queue
from callcab.db import CabSession, unit_of_work
from callcab.jobs import edge
from callcab.jobs.registry import every, job
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import Customer, NumberState, PhoneNumber
from callcab.providers import telephony
from callcab.providers.telephony.base import ProviderDown, RequestRefused
from callcab.scope import Scope
from callcab.services import mail, verification
from callcab.services.verification import proof

log = logging.getLogger(__name__)
SCOPE = Scope.system("verification events")


@job("verification.place", queue="calls", timeout=30)
def place(verification_id: int) -> None:
    """Hand one call over to the provider; repeated, it places nothing twice."""
    with unit_of_work(SCOPE) as session:
        request = verification.placement(session, verification_id)
    if request is None:
        return
    try:
        telephony.provider().place([request])
    except ProviderDown as problem:
        log.warning("a verification call could not be placed: %s", problem)
        _fail(verification_id, "unavailable")
    except RequestRefused as problem:
        log.error("the provider refuses a verification call: %s", problem.code)
        _fail(verification_id, "request_refused")


@job("number.lost_letter", timeout=30)
def lost_letter(number_id: int) -> None:
    """Tell a customer that somebody else has proved the number that was his."""
    with unit_of_work(SCOPE) as session:
        number = session.get(PhoneNumber, number_id)
        customer = session.get(Customer, number.customer_id) if number is not None else None
        if number is None or customer is None or number.state is not NumberState.FAILED:
            return
        shown = phones.display(phones.from_int(number.phone))
        mail.send(
            session,
            kind="number.lost",
            recipient=customer.email,
            subject=edge.word("number.lost_subject"),
            text=edge.word("number.lost_letter") % {"phone": shown},
            customer_id=customer.id,
        )


@every(5)
def sweep() -> None:
    """End attempts whose time is over; place again what a lost job left lying (F-05, F-07, F-16)."""
    now = clock.now()
    with unit_of_work(SCOPE) as session:
        verification.expire(session, now=now)
    with unit_of_work(SCOPE) as session:
        lost = verification.unplaced(session, now=now)
    for verification_id in lost:
        queue.send("verification.place", {"verification_id": verification_id})


@every(600)
def end_proofs() -> None:
    """Take back proofs whose time is over; write to those whose time comes."""
    now = clock.now()
    with unit_of_work(SCOPE) as session:
        proof.expire_proofs(session, now=now)
    with unit_of_work(SCOPE) as session:
        for customer_id, found in sorted(proof.notices(session, now=now).items()):
            _write_notice(session, session.get_one(Customer, customer_id), found)


def _write_notice(session: CabSession, customer: Customer, found: list[proof.Notice]) -> None:
    zone = ZoneInfo(customer.zone)
    lines = [
        edge.word("proof.notice_line")
        % {
            "phone": phones.display(phones.from_int(item.phone)),
            "until": item.until.astimezone(zone).strftime("%d.%m.%Y"),
        }
        for item in found
    ]
    mail.send(
        session,
        kind="proof.notice",
        recipient=customer.email,
        subject=edge.word("proof.notice_subject"),
        text=edge.word("proof.notice_letter") % {"numbers": "\n".join(lines)},
        customer_id=customer.id,
    )


def _fail(verification_id: int, outcome: str) -> None:
    with unit_of_work(SCOPE) as session:
        verification.fail_unavailable(session, verification_id, outcome=outcome)
