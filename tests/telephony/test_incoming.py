"""Somebody calls one of our numbers with a real telephone: he is refused, connected, or led through a menu."""

import itertools

import pytest

from callcab.providers.telephony.base import (
    Answer,
    Cause,
    Connect,
    Event,
    EventKind,
    Follow,
    Gather,
    HangUp,
    Play,
    Refuse,
)
from tests.telephony.lines import Callee, Line
from tests.telephony.server import AsteriskServer
from tests.waiting import wait_for

_callers = itertools.count(1)
MENU = Gather(prompt=[Play("Нажмите девять.")], branches={"9": (Play("До свидания."), HangUp())}, tries=2, seconds=2)


@pytest.fixture
def caller() -> str:
    """A person who has not called before."""
    return f"+7916{next(_callers):07}"


def calls(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str, answer: Answer, *, owner: str = "", **order: object
) -> str:
    """Let him call a number of ours, of which the rules say ``answer``; returns the reference of the call."""
    number = f"+7495{caller[-7:]}"
    line.ears.answers[number] = answer
    callee.call(caller, number, pbx, **order)
    assert wait_for(lambda: any(call.caller == caller for call in line.ears.callers)), "nobody was asked"
    found = next(call for call in line.ears.callers if call.caller == caller)
    assert found.to == number
    return found.reference


def kinds(events: list[Event]) -> list[str]:
    return [event.kind.value for event in events]


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.REJECTED, 403),
        (Cause.UNALLOCATED, 404),
        (Cause.BUSY, 486),
        (Cause.NO_ANSWER, 480),
        (Cause.CONGESTION, 503),
    ],
)
def test_who_is_turned_away_is_never_answered_and_hears_why(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str, cause: Cause, status: int
) -> None:
    reference = calls(line, callee, pbx, caller, Refuse(cause))
    last = line.ears.wait_for_end(reference, 10)
    assert (last.data["cause"], last.data["answered_at"], last.data["seconds"]) == (cause, None, 0)
    assert wait_for(lambda: bool(callee.seen("call failed", caller)))
    assert str(status) in str(callee.seen("call", caller))
    assert callee.seen("call answered", caller) == []


def test_a_caller_is_led_through_the_menu(line: Line, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    reference = calls(line, callee, pbx, caller, Follow((MENU,)), press="9")
    last = line.ears.wait_for_end(reference, 20)
    assert kinds(line.ears.of(reference)) == ["answered", "digit", "hangup"]
    assert (last.data["cause"], last.data["digits"], last.data["by"]) == (Cause.ANSWERED, "9", "us")


def test_a_caller_who_hangs_up_in_the_menu_ends_the_call(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    reference = calls(line, callee, pbx, caller, Follow((MENU,)), seconds=1.5)
    last = line.ears.wait_for_end(reference, 20)
    assert (last.data["cause"], last.data["by"], last.data["seconds"]) == (Cause.ANSWERED, "them", 2)


def test_a_menu_of_an_incoming_call_has_its_limit(line: Line, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    endless = Gather(prompt=[Play("Слушайте внимательно. " * 20)], branches={})
    reference = calls(line, callee, pbx, caller, Follow((endless,), longest_seconds=3))
    assert line.ears.wait_for_end(reference, 15).data["seconds"] == 3


def test_the_owner_of_a_number_is_rung_and_both_are_joined(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    owner = f"+7917{caller[-5:]}10"
    reference = calls(line, callee, pbx, caller, Connect(owner, caller_id=caller), seconds=3)
    last = line.ears.wait_for_end(reference, 20)
    assert kinds(line.ears.of(reference)) == ["ringing", "answered", "hangup"]
    assert (last.data["cause"], last.data["by"]) == (Cause.ANSWERED, "them")
    assert f"sip:{caller}@" in str(callee.seen("from", owner)[0]["what"])
    assert wait_for(lambda: bool(callee.seen("closed", owner))), "the owner's leg stayed up"


def test_an_owner_who_hangs_up_ends_the_call_of_both(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str
) -> None:
    reference = calls(line, callee, pbx, caller, Connect(f"+7917{caller[-5:]}05"))
    last = line.ears.wait_for_end(reference, 20)
    assert last.data["cause"] == Cause.ANSWERED
    assert wait_for(lambda: bool(callee.seen("call ended", caller)))


@pytest.mark.parametrize(
    ("ending", "cause", "status"),
    [
        ("04", Cause.BUSY, 486),
        ("03", Cause.NO_ANSWER, 480),
        ("08", Cause.REJECTED, 403),
        ("07", Cause.UNALLOCATED, 404),
    ],
)
def test_an_owner_who_is_not_reached_is_said_to_the_caller_without_an_answer(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str, ending: str, cause: Cause, status: int
) -> None:
    reference = calls(line, callee, pbx, caller, Connect(f"+7917{caller[-5:]}{ending}", ring_seconds=3))
    last = line.ears.wait_for_end(reference, 20)
    assert (last.data["cause"], last.data["answered_at"]) == (cause, None)
    assert wait_for(lambda: bool(callee.seen("call failed", caller)))
    assert str(status) in str(callee.seen("call", caller))


def test_a_caller_who_gives_up_stops_the_ringing(line: Line, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    owner = f"+7917{caller[-5:]}03"
    reference = calls(line, callee, pbx, caller, Connect(owner), patience=2)
    last = line.ears.wait_for_end(reference, 15)
    assert (last.data["cause"], last.data["by"], last.data["answered_at"]) == (Cause.NO_ANSWER, "them", None)
    assert wait_for(lambda: bool(callee.seen("cancel", owner)))


def test_nobody_is_connected_with_himself(line: Line, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    reference = calls(line, callee, pbx, caller, Connect(caller))
    assert line.ears.wait_for_end(reference, 10).data["cause"] == Cause.BUSY
    assert callee.seen("invite", caller) == []


def test_when_the_rules_are_away_the_caller_is_not_left_hanging(
    line: Line, callee: Callee, pbx: AsteriskServer, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(call: object) -> Answer:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(line.ears, "incoming", away)
    callee.call(caller, "+74950000000", pbx)
    assert wait_for(lambda: bool(callee.seen("call failed", caller)), 15)
    assert "503" in str(callee.seen("call", caller))


def test_a_number_is_told_as_e164_and_a_hidden_caller_as_nobody(
    line: Line, callee: Callee, pbx: AsteriskServer
) -> None:
    callee.call("anonymous", "84951234567", pbx)
    assert wait_for(lambda: any(call.to == "+74951234567" for call in line.ears.callers))
    assert next(call for call in line.ears.callers if call.to == "+74951234567").caller == ""


def test_incoming_events_have_keys_of_their_own(line: Line, callee: Callee, pbx: AsteriskServer, caller: str) -> None:
    reference = calls(line, callee, pbx, caller, Follow((MENU,)), press="5")
    line.ears.wait_for_end(reference, 30)
    events = line.ears.of(reference)
    assert len({event.key for event in events}) == len(events)
    assert events[-1].kind is EventKind.HANGUP
