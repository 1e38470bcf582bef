"""What only the asterisk provider does, against a real Asterisk and a real SIP callee; the rest: ``test_contract``."""

import pytest
import redis

from callcab.config import Settings
from callcab.providers.speech import NoSpeech
from callcab.providers.telephony.asterisk import Access, Asterisk, Dialled, Sounds, Trunk
from callcab.providers.telephony.base import (
    Cause,
    EventKind,
    Gather,
    HangUp,
    Play,
    ProviderDown,
    RequestRefused,
    Transfer,
)
from tests.telephony.calls import check_label, check_plan, request
from tests.telephony.lines import Callee, Ears, Line, provider
from tests.telephony.server import PASSWORD, AsteriskServer
from tests.waiting import wait_for


def test_the_oldest_asterisk_ends_every_call_as_the_number_plan_says(old_line: Line, callee: Callee) -> None:
    check_plan(old_line, callee)


def test_the_callee_of_the_oldest_asterisk_sees_the_label_beside_our_number(old_line: Line, callee: Callee) -> None:
    check_label(old_line, callee)


def test_a_transfer_joins_the_callee_with_the_other_number(line: Line, callee: Callee) -> None:
    call = request("10", scenario=(Transfer("+79990000010"),), longest_seconds=4)
    line.provider.place([call])
    last = line.ears.wait_for_end(call.reference)
    assert (last.data["cause"], last.data["by"]) == (Cause.ANSWERED, "us")
    assert callee.seen("answered", "+79990000010")
    assert wait_for(lambda: bool(callee.seen("closed", "+79990000010")))


def test_keys_that_are_pressed_after_a_transfer_has_begun_are_not_told(line: Line, callee: Callee) -> None:
    menu = Gather(prompt=[Play("Меню.")], branches={"5": (Transfer("+79990000110"),)})
    call = request("15", scenario=(menu,), longest_seconds=6)
    line.provider.place([call])
    last = line.ears.wait_for_end(call.reference)
    assert callee.seen("pressed 1", call.to)
    assert last.data["digits"] == "5"
    assert [event.data["digit"] for event in line.ears.of(call.reference) if event.kind is EventKind.DIGIT] == ["5"]


def test_after_a_transfer_that_nobody_takes_the_scenario_goes_on(line: Line, callee: Callee) -> None:
    call = request("10", scenario=(Transfer("+79990000004"), Play("Все заняты."), HangUp()))
    line.provider.place([call])
    last = line.ears.wait_for_end(call.reference, 20)
    assert last.data["cause"] == Cause.ANSWERED
    assert len(callee.seen("invite", "+79990000004")) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"to": "+7925@evil"}, "telephony.number"),
        ({"to": "112"}, "telephony.number"),
        ({"caller_id": '"x" <+7>'}, "telephony.number"),
        ({"scenario": (Gather(prompt=[], branches={"1": (Transfer("Local/x"),)}),)}, "telephony.number"),
        ({"reference": "a/b"}, "telephony.reference"),
        ({"reference": "a" * 65}, "telephony.reference"),
    ],
)
def test_what_can_never_be_placed_is_refused_before_anything_rings(
    line: Line, values: dict[str, object], code: str
) -> None:
    fine = request("04")
    with pytest.raises(RequestRefused) as refused:
        line.provider.place([fine, request("04", **values)])
    assert refused.value.code == code
    assert line.provider.place([fine]) == 1


def test_looking_for_machines_without_a_context_for_it_is_refused(settings: Settings, pbx: AsteriskServer) -> None:
    with pytest.raises(RequestRefused, match="telephony.unsupported"):
        provider(settings, pbx, machine_context="").place([request("11", detect_machine=True)])


def listening_to(found: Dialled, code: str) -> None:
    line = Line(found, Ears())
    try:
        assert wait_for(lambda: found.health().code == code), found.health()
        with pytest.raises(ProviderDown):
            found.place([request("01")])
    finally:
        line.stop()


def test_a_wrong_password_is_told_and_nothing_is_placed(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer
) -> None:
    sounds = Sounds(NoSpeech(), pbx.sounds, str(pbx.sounds))
    trunk = Trunk("callcab", "PJSIP/{e164}@carrier", "")
    listening_to(
        Asterisk(str(settings.redis_url), Access(pbx.url, "callcab", PASSWORD + "x"), trunk, sounds),
        "telephony.line_denied",
    )


def test_an_unknown_trunk_is_told_and_nothing_is_placed(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer
) -> None:
    listening_to(provider(settings, pbx, endpoint="PJSIP/{e164}@nowhere"), "telephony.trunk_unknown")


def test_an_asterisk_that_is_away_is_told(settings: Settings, store: redis.Redis, pbx: AsteriskServer) -> None:
    sounds = Sounds(NoSpeech(), pbx.sounds, str(pbx.sounds))
    trunk = Trunk("callcab", "PJSIP/{e164}@carrier", "")
    listening_to(
        Asterisk(str(settings.redis_url), Access("http://127.0.0.1:1", "callcab", PASSWORD), trunk, sounds),
        "telephony.line_away",
    )
