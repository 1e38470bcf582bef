"""Real telephones call our numbers: through a real Asterisk to the real rules, the database and the pages, and back.

The table of telephony.md §9, row by row.
"""

import itertools
from collections.abc import Iterator

import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    CustomerStatus,
    InboundAction,
    InboundCall,
    IvrAction,
    IvrRule,
    NumberKind,
    NumberState,
    Outcome,
)
from callcab.models.customer import Customer
from callcab.scope import Scope
from tests import factories
from tests.people import People
from tests.telephony.lines import Callee, answering
from tests.telephony.server import AsteriskServer
from tests.waiting import wait_for

SYSTEM = Scope.system("test")
_serial = itertools.count(1)
ANSWERING_S = 20.0


@pytest.fixture
def cast(people: People, settings: Settings, store: redis.Redis, pbx: AsteriskServer) -> Iterator[People]:
    """The customers and support, with the lines up."""
    for _ in answering(settings, pbx):
        yield people


@pytest.fixture
def caller() -> str:
    """A person who has not called before."""
    return f"+7918{next(_serial):07}"


def own_number(people: People, ending: str) -> int:
    """Olga's proved personal number; what she does when it rings is its ending (the number plan)."""
    with unit_of_work(SYSTEM) as session:
        phone = 79190000000 + next(_serial) * 100 + int(ending)
        values = {"kind": NumberKind.PERSONAL, "state": NumberState.VERIFIED, "customer_id": people.customer_id}
        return factories.number(session, phone=phone, **values).phone


def shared(kind: NumberKind = NumberKind.SHARED) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.number(session, phone=74950000000 + next(_serial), kind=kind).phone


def called(customer_id: int, caller: str, phone: int, name: str) -> int:
    """A campaign with nine as «do not call me», which called this person from this number."""
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, customer_id)
        campaign = factories.campaign(session, owner, name=name, prompt="Нажмите девять, чтобы мы не звонили.")
        rule = {"campaign_id": campaign.id, "customer_id": owner.id, "digit": "9", "action": IvrAction.BLACKLIST}
        factories.add(session, IvrRule(**rule))
        factories.call(session, campaign, phone=int(caller), from_phone=phone)
        return campaign.id


def record() -> InboundCall:
    """The one incoming call on record, once it is over."""

    def over() -> InboundCall | None:
        with unit_of_work(SYSTEM) as session:
            return session.scalars(sa.select(InboundCall).where(InboundCall.ended_at.is_not(None))).one_or_none()

    assert wait_for(lambda: over() is not None, ANSWERING_S), "no incoming call came to its end"
    found = over()
    assert found is not None
    return found


def refused(callee: Callee, caller: str) -> str:
    """With what the caller's telephone was turned away; it was never answered."""
    assert wait_for(lambda: bool(callee.seen("call failed", caller)), ANSWERING_S)
    assert callee.seen("call answered", caller) == []
    return str(callee.seen("call", caller))


def test_who_calls_a_personal_number_talks_with_its_owner(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    phone = own_number(cast, "14")
    callee.call(caller, f"+{phone}", pbx, says=2.5, seconds=2)
    found = record()
    assert (found.action, found.code, found.outcome) == (InboundAction.CONNECT, "inbound.owner", Outcome.COMPLETED)
    assert found.answered_at is not None
    assert 3 <= found.seconds <= 7
    # Each heard the other; the owner saw who called, and was let go with him.
    assert callee.seen("heard a voice", caller)
    assert callee.seen("heard a voice", f"+{phone}")
    assert f"sip:{caller}@" in str(callee.seen("from", f"+{phone}")[0]["what"])
    assert wait_for(lambda: bool(callee.seen("closed", f"+{phone}")))
    (row,) = cast.olga.get("/cabinet/inbound/").rows()
    assert {"Соединён с владельцем", "Поговорили"} <= set(row)
    assert cast.stranger.get("/cabinet/inbound/").rows() == []


@pytest.mark.parametrize(
    ("ending", "status", "outcome", "said"),
    [
        ("04", "486", Outcome.BUSY, "Владелец занят"),
        ("08", "403", Outcome.REJECTED, "Владелец отклонил звонок"),
    ],
)
def test_a_caller_hears_that_the_owner_cannot_be_reached(
    cast: People,
    callee: Callee,
    pbx: AsteriskServer,
    caller: str,
    ending: str,
    status: str,
    outcome: Outcome,
    said: str,
) -> None:
    phone = own_number(cast, ending)
    callee.call(caller, f"+{phone}", pbx)
    assert status in refused(callee, caller)
    found = record()
    assert (found.outcome, found.answered_at, found.seconds) == (outcome, None, 0)
    assert said in cast.olga.get("/cabinet/inbound/").text


def test_a_caller_who_gives_up_stops_the_ringing_of_the_owner(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    phone = own_number(cast, "03")
    callee.call(caller, f"+{phone}", pbx, patience=2)
    found = record()
    assert (found.outcome, found.answered_at) == (Outcome.NO_ANSWER, None)
    assert wait_for(lambda: bool(callee.seen("cancel", f"+{phone}"))), "the owner's telephone went on ringing"
    assert "Владелец не ответил" in cast.olga.get("/cabinet/inbound/").text


def test_an_owner_who_calls_his_own_number_is_not_connected_with_himself(
    cast: People, callee: Callee, pbx: AsteriskServer
) -> None:
    phone = own_number(cast, "01")
    callee.call(f"+{phone}", f"+{phone}", pbx)
    assert "486" in refused(callee, f"+{phone}")
    assert callee.seen("invite", f"+{phone}") == []
    assert (record().action, record().code) == (InboundAction.REFUSE, "inbound.owner_calls")


def test_who_calls_back_hears_the_last_campaign_that_called_him_and_may_opt_out(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    phone = shared()
    called(cast.other_id, caller, phone, "Прежняя")
    last = called(cast.customer_id, caller, phone, "Последняя")
    called(cast.other_id, caller, shared(), "С другого номера")
    callee.call(caller, f"+{phone}", pbx, press="9")
    found = record()
    assert (found.campaign_id, found.code, found.digits) == (last, "inbound.last_campaign", "9")
    assert (found.action, found.outcome) == (InboundAction.MENU, Outcome.COMPLETED)
    assert callee.seen("heard a voice", caller), "the menu was silent"
    with unit_of_work(SYSTEM) as session:
        (entry,) = session.scalars(sa.select(BlacklistEntry))
        assert (entry.customer_id, entry.phone, entry.source) == (cast.customer_id, int(caller), BlacklistSource.IVR)
        assert entry.inbound_call_id == found.id
    (row,) = cast.olga.get("/cabinet/inbound/").rows()
    assert {"Последняя", "Меню рассылки", "9"} <= set(row)
    assert cast.stranger.get("/cabinet/inbound/").rows() == []


def test_who_was_not_called_from_a_shared_number_is_told_that_there_is_no_such_number(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    phone = shared()
    called(cast.customer_id, "+79170000001", phone, "Другому")
    callee.call(caller, f"+{phone}", pbx)
    assert "404" in refused(callee, caller)
    found = record()
    assert (found.code, found.outcome, found.customer_id) == ("inbound.not_called", Outcome.UNALLOCATED, None)
    assert "Не принят" in cast.sasha.get("/admin/inbound/").text
    assert "С этого номера абоненту не звонили" in cast.sasha.get(f"/admin/inbound/details/?id={found.id}").text
    assert cast.olga.get("/cabinet/inbound/").rows() == []


def test_a_duty_number_takes_no_calls(cast: People, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    callee.call(caller, f"+{shared(NumberKind.DUTY)}", pbx)
    assert "403" in refused(callee, caller)
    assert (record().code, record().outcome) == ("inbound.duty", Outcome.REJECTED)
    assert "Не принят" in cast.sasha.get("/admin/inbound/").text


def test_a_number_that_is_not_ours_takes_no_calls(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    callee.call(caller, "+74959999999", pbx)
    assert "404" in refused(callee, caller)
    assert (record().code, record().outcome) == ("inbound.unknown_number", Outcome.UNALLOCATED)


def test_a_blocked_customer_is_not_reached(cast: People, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    phone = own_number(cast, "01")
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, cast.customer_id)
        owner.status, owner.block_reason = CustomerStatus.BLOCKED, "жалобы"
    callee.call(caller, f"+{phone}", pbx)
    assert "403" in refused(callee, caller)
    assert callee.seen("invite", f"+{phone}") == []
    assert record().code == "inbound.customer_blocked"


def test_two_callers_of_one_owner_are_two_calls_on_record(
    cast: People, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    phone, second = own_number(cast, "10"), f"+7918{next(_serial):07}"
    for who in (caller, second):
        callee.call(who, f"+{phone}", pbx, seconds=1)

    def over() -> list[int | None]:
        with unit_of_work(SYSTEM) as session:
            ended = sa.select(InboundCall.phone).where(InboundCall.outcome == Outcome.COMPLETED)
            return list(session.scalars(ended.order_by(InboundCall.phone)))

    assert wait_for(lambda: over() == [int(caller), int(second)], ANSWERING_S), over()
    # Nobody said anything: what is taken for a voice elsewhere is one.
    assert [callee.seen("heard a voice", who) for who in (caller, second, f"+{phone}")] == [[], [], []]


def test_asterisk_itself_refuses_when_nobody_listens(callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    callee.call(caller, "+74950000000", pbx)
    assert "603" in refused(callee, caller)
