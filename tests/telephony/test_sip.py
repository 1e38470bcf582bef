"""What only the sip provider does: an account at an operator, who is the callee's gate; the rest: ``test_contract``."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from callcab.config import SIP_LINES, Settings
from callcab.providers.telephony.base import (
    Cause,
    Connect,
    EventKind,
    Follow,
    Gather,
    HangUp,
    Play,
    ProviderDown,
    Refuse,
    RequestRefused,
    Transfer,
)
from tests import loop
from tests.telephony.calls import check_plan, request
from tests.telephony.conftest import NO_WHEEL
from tests.telephony.lines import Callee, Ears, Line, Way, listening
from tests.telephony.server import HOST, free_port
from tests.waiting import wait_for

baresip = pytest.importorskip("baresip", reason=NO_WHEEL)
ours = pytest.importorskip("tests.telephony.account", reason=NO_WHEEL)
MENU = Gather(prompt=[Play("Нажмите девять.")], branches={"9": (Play("До свидания."), HangUp())}, tries=2, seconds=2)
_callers = itertools.count(1)


@pytest.fixture
def sip_line(settings: Settings, store: redis.Redis, account: Way) -> Iterator[Line]:
    yield from listening(account.provider(settings))


def test_without_a_registration_calls_end_as_the_number_plan_says(
    settings: Settings, store: redis.Redis, callee: Callee, tmp_path: Path
) -> None:
    """The operator knows us by our address."""
    way = ours.through_account(callee, tmp_path, user="trunk", password="", register=False)
    for line in listening(way.provider(settings)):
        check_plan(line, callee)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"scenario": (Gather(prompt=[], branches={"1": (Transfer("+79250000001"),)}),)}, "telephony.unsupported"),
        ({"detect_machine": True}, "telephony.unsupported"),
    ],
)
def test_what_an_account_cannot_do_is_refused_before_anything_rings(
    settings: Settings, account: Way, values: dict[str, object], code: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        account.provider(settings).place([request("04", **values)])
    assert refused.value.code == code


def test_fifty_calls_at_once_end_right_and_one_more_is_put_off(sip_line: Line, callee: Callee) -> None:
    calls = [request("10", scenario=(Play("Здравствуйте. " * 6),)) for _ in range(SIP_LINES + 1)]
    sip_line.provider.place(calls)
    causes = [sip_line.ears.wait_for_end(call.reference).data["cause"] for call in calls]
    assert (causes.count(Cause.ANSWERED), causes.count(Cause.CONGESTION)) == (SIP_LINES, 1)
    assert sum(len(callee.seen("heard a voice", call.to)) for call in calls) == SIP_LINES


def told(found_by: Way, settings: Settings, code: str) -> None:
    found = found_by.provider(settings)
    line = Line(found, Ears())
    try:
        assert wait_for(lambda: found.health().code == code, 15), found.health()
        with pytest.raises(ProviderDown):
            found.place([request("01")])
    finally:
        line.stop()


def test_a_wrong_password_is_told_and_nothing_is_placed(
    settings: Settings, store: redis.Redis, callee: Callee, tmp_path: Path
) -> None:
    told(ours.through_account(callee, tmp_path, password="wrong"), settings, "telephony.line_denied")


def test_an_operator_who_is_away_is_told(
    settings: Settings, store: redis.Redis, callee: Callee, tmp_path: Path
) -> None:
    told(ours.through_account(callee, tmp_path, host=f"{HOST}:{free_port()}"), settings, "telephony.line_away")


def test_while_the_account_is_not_registered_nothing_is_dialled_and_calls_go_on(
    settings: Settings, store: redis.Redis, account: Way, callee: Callee, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = account.provider(settings)
    made: list[Any] = []
    connect = found._connection
    monkeypatch.setattr(found, "_connection", lambda: made.append(connect()) or made[-1])

    def tell(event: Any, code: str) -> None:
        """As the registrar's answer to the next registration would."""
        made[0]._runtime._call_threadsafe(made[0]._heard, event)
        assert wait_for(lambda: found.health().code == code)

    call = request("10", scenario=(Play("Слушайте. " * 5),))
    for line in listening(found):
        found.place([call])
        assert wait_for(lambda: bool(callee.seen("answered", call.to)))
        tell(baresip.StackEvent(baresip.Event.REGISTER_FAIL, text="403 Forbidden"), "telephony.line_denied")
        with pytest.raises(ProviderDown):
            found.place([request("04")])
        tell(baresip.StackEvent(baresip.Event.REGISTER_FAIL, text="503 Service Unavailable"), "telephony.line_away")
        tell(baresip.StackEvent(baresip.Event.REGISTER_OK), "")
        assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.ANSWERED


def test_an_end_that_comes_before_the_stack_has_named_the_call_is_heard(
    settings: Settings, account: Way, callee: Callee
) -> None:
    async def scene() -> int:
        async with account.provider(settings)._connection() as line:
            # The loop has other work while the call is made and refused.
            asyncio.get_running_loop().call_soon(time.sleep, 0.5)
            number = f"ACCOUNT/+79251234507@{HOST}:{callee.port}"
            await line.directly("POST", "channels/c-1", {"endpoint": number, "timeout": 30})
            async with asyncio.timeout(5):
                async for event in line.events():
                    if event["type"] == "ChannelDestroyed":
                        return int(event["tech_cause"])
        return 0

    assert loop.run(scene()) == 404


def test_a_dialer_that_stops_hangs_up_and_the_next_tells_its_calls_as_lost(
    settings: Settings, sip_line: Line, account: Way, callee: Callee
) -> None:
    calls = [request("10", scenario=(Play("Слушайте. " * 40),)), request("03", ring_seconds=60)]
    states = ("answered", "ringing")
    sip_line.provider.place(calls)
    assert wait_for(lambda: all(callee.seen(what, call.to) for call, what in zip(calls, states, strict=True)))
    assert wait_for(lambda: len(sip_line.ears.heard) >= 5)
    sip_line.stop()
    assert wait_for(lambda: all(callee.seen("closed", call.to) for call in calls))
    second = Line(account.provider(settings), sip_line.ears)
    ends = [sip_line.ears.wait_for_end(call.reference) for call in calls]
    second.stop()
    assert [last.data["cause"] for last in ends] == [Cause.LOST, Cause.LOST]
    assert all(len(callee.seen("invite", call.to)) == 1 for call in calls)


@pytest.fixture
def caller() -> str:
    """A person who has not called before."""
    return f"+7926{next(_callers):07}"


def test_a_caller_is_led_through_the_menu(sip_line: Line, account: Way, callee: Callee, caller: str) -> None:
    sip_line.ears.answers["+74950000001"] = Follow((MENU,))
    callee.call(caller, "+74950000001", account, press="9")
    assert wait_for(lambda: any(call.caller == caller for call in sip_line.ears.callers))
    reference = sip_line.ears.callers[0].reference
    last = sip_line.ears.wait_for_end(reference, 20)
    assert [event.kind for event in sip_line.ears.of(reference)] == [
        EventKind.ANSWERED,
        EventKind.DIGIT,
        EventKind.HANGUP,
    ]
    assert (last.data["cause"], last.data["digits"], last.data["by"]) == (Cause.ANSWERED, "9", "us")


@pytest.mark.parametrize("answer", [Refuse(Cause.UNALLOCATED), Connect("+79990000010")])
def test_who_is_turned_away_is_never_answered_and_hears_that_it_is_busy(
    sip_line: Line, account: Way, callee: Callee, caller: str, answer: Refuse | Connect
) -> None:
    """Nobody can be connected either, without a PBX."""
    sip_line.ears.answers["+74950000002"] = answer
    callee.call(caller, "+74950000002", account)
    assert wait_for(lambda: any(call.caller == caller for call in sip_line.ears.callers))
    last = sip_line.ears.wait_for_end(sip_line.ears.callers[0].reference)
    assert (last.data["answered_at"], last.data["seconds"]) == (None, 0)
    assert wait_for(lambda: bool(callee.seen("call failed", caller)))
    assert "486" in str(callee.seen("call", caller))
    assert callee.seen("call answered", caller) == []


def test_a_process_whose_stack_died_ends() -> None:
    """It can't be started twice in a process; a supervisor starts a new one."""
    script = (
        "import asyncio, baresip\n"
        "from callcab.providers.telephony.sip import SipAccount, SipLine\n"
        "baresip.Runtime._process_poisoned = True\n"
        "asyncio.run(SipLine(SipAccount('a', '127.0.0.1', 'p')).__aenter__())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "the SIP stack died" in done.stderr
