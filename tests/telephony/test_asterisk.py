"""The asterisk provider against a real Asterisk and a real SIP callee: the contract of every telephony provider."""

import itertools
import threading
import time
from pathlib import Path

import pytest
import redis

from callcab.config import Settings
from callcab.lib import audio
from callcab.providers.speech import EspeakSpeech, NoSpeech
from callcab.providers.telephony.asterisk import Access, Asterisk, Sounds, Trunk
from callcab.providers.telephony.base import (
    Again,
    CallKind,
    CallRequest,
    Cause,
    EventKind,
    Gather,
    HangUp,
    Play,
    ProviderDown,
    RequestRefused,
    Transfer,
)
from tests import sounds
from tests.contracts.number_plan import PLAN, Row
from tests.telephony.lines import Callee, Ears, Line, listening, provider, wait_for
from tests.telephony.server import PASSWORD, AsteriskServer

ASK = Gather(
    prompt=[Play("Нажмите один.")],
    branches={"1": (Play("Спасибо."), HangUp())},
    tries=2,
    seconds=2,
    unheard=[Play("А.")],
)
_numbers = itertools.count(1)


def request(ending: str, **values: object) -> CallRequest:
    """A call to a number of its own that ends in ``ending``."""
    number = next(_numbers)
    usual = {"reference": f"t-{number}", "to": f"+7925{number:05}{ending}", "scenario": (ASK,), "ring_seconds": 5}
    usual |= {"kind": CallKind.CAMPAIGN, "caller_id": "+74951234567", "longest_seconds": 40}
    return CallRequest(**{**usual, **values})  # type: ignore[arg-type]


def check_plan(line: Line, callee: Callee) -> None:
    """All numbers of the plan at once."""
    calls: list[tuple[Row, CallRequest]] = [
        (row, request(row.ending, detect_machine=row.ending in ("11", "14"))) for row in PLAN
    ]
    assert line.provider.place([call for _, call in calls]) == len(PLAN)
    wrong = {}
    for row, call in calls:
        last = line.ears.wait_for_end(call.reference)
        found = (last.data["cause"], last.data["digits"], last.data["by"])
        if found != (row.cause, row.digits, row.by):
            wrong[row.ending] = dict(last.data)
    assert wrong == {}
    assert all(len(callee.seen("invite", call.to)) == 1 for _, call in calls)


def test_the_number_plan_ends_every_call_as_it_says(line: Line, callee: Callee) -> None:
    check_plan(line, callee)


def test_the_oldest_asterisk_ends_every_call_as_the_number_plan_says(old_line: Line, callee: Callee) -> None:
    check_plan(old_line, callee)


def test_events_of_a_call_come_in_order_with_keys_of_their_own(line: Line) -> None:
    call = request("01")
    line.provider.place([call])
    line.ears.wait_for_end(call.reference)
    events = line.ears.of(call.reference)
    assert [event.kind for event in events] == ["placed", "ringing", "answered", "digit", "hangup"]
    assert len({event.key for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_callee_sees_our_number(line: Line, callee: Callee) -> None:
    call = request("04", caller_id="+74951112233")
    line.provider.place([call])
    line.ears.wait_for_end(call.reference)
    assert "sip:+74951112233@" in str(callee.seen("from", call.to)[0]["what"])


def check_label(line: Line, callee: Callee) -> None:
    """The longest label in Russian, with signs that mean something in SIP."""
    label = "Ромашка, доставка; ООО 50% (№1)="
    assert len(label) == 32
    call = request("04", caller_id="+74951112233", caller_name=label)
    line.provider.place([call])
    assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.BUSY
    shown = str(callee.seen("from", call.to)[0]["what"])
    assert f'"{label}" <sip:+74951112233@' in shown


def test_the_callee_sees_the_label_beside_our_number(line: Line, callee: Callee) -> None:
    check_label(line, callee)


def test_the_callee_of_the_oldest_asterisk_sees_the_label_beside_our_number(old_line: Line, callee: Callee) -> None:
    check_label(old_line, callee)


def test_the_same_reference_rings_once(line: Line, callee: Callee) -> None:
    call = request("04")
    assert line.provider.place([call]) == 1
    assert line.provider.place([call]) == 0
    line.ears.wait_for_end(call.reference)
    assert line.provider.place([call]) == 0
    assert len(callee.seen("invite", call.to)) == 1


def test_an_emptied_store_rings_nobody_twice(line: Line, callee: Callee, store: redis.Redis) -> None:
    call = request("04")
    line.provider.place([call])
    line.ears.wait_for_end(call.reference)
    store.delete(f"callcab:ari:seen:{call.reference}")
    assert line.provider.place([call]) == 1
    other = request("04")
    line.provider.place([other])
    line.ears.wait_for_end(other.reference)
    assert len(callee.seen("invite", call.to)) == 1


def test_a_call_that_the_rules_know_as_placed_does_not_ring_and_ends_at_once(line: Line, callee: Callee) -> None:
    call, other = request("04"), request("04")
    line.ears.known.add(call.reference)
    line.provider.place([call, other])
    line.ears.wait_for_end(other.reference)
    last = line.ears.wait_for_end(call.reference, 5)
    assert (last.data["cause"], last.data["answered_at"], last.data["seconds"]) == (Cause.LOST, None, 0)
    assert [event.kind for event in line.ears.of(call.reference)] == [EventKind.PLACED, EventKind.HANGUP]
    assert callee.seen("invite", call.to) == []


def test_events_that_could_not_be_handled_are_told_again_and_nothing_rings_before(line: Line, callee: Callee) -> None:
    line.ears.trouble = 3
    call = request("04")
    line.provider.place([call])
    assert wait_for(lambda: line.ears.trouble == 0)
    assert callee.seen("invite", call.to) == []
    assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.BUSY
    assert len(callee.seen("invite", call.to)) == 1


def test_a_call_that_is_too_long_is_ended(line: Line) -> None:
    endless = Gather(prompt=[Play("Слушайте внимательно. " * 20)], branches={})
    call = request("10", scenario=(endless,), longest_seconds=3)
    line.provider.place([call])
    last = line.ears.wait_for_end(call.reference)
    assert (last.data["seconds"], last.data["by"]) == (3, "us")


def test_an_uploaded_recording_is_heard_as_sound_for_as_long_as_it_is(
    line: Line, callee: Callee, tmp_path: Path
) -> None:
    (tmp_path / "upload").write_bytes(sounds.tone(3.0, kind="MP3"))
    # Named as the storage names its files: Asterisk gets a copy that it can read and whose kind it knows.
    kept = tmp_path / "7f3a"
    kept.write_bytes(audio.to_telephone(tmp_path / "upload", longest=180))
    kept.chmod(0o600)
    call = request("10", scenario=(Play("Аудиозапись „Акция“", sound=str(kept), seconds=3), HangUp()))
    line.provider.place([call])
    last = line.ears.wait_for_end(call.reference)
    assert (last.data["cause"], last.data["by"]) == (Cause.ANSWERED, "us")
    assert 3 <= last.data["seconds"] <= 5
    assert callee.seen("heard a voice", call.to)


def test_hanging_up_before_the_answer_ends_the_call_unanswered(line: Line, callee: Callee) -> None:
    call = request("03", ring_seconds=30)
    line.provider.place([call])
    assert wait_for(lambda: bool(callee.seen("ringing", call.to)))
    line.provider.hang_up(call.reference)
    last = line.ears.wait_for_end(call.reference, 5)
    assert (last.data["cause"], last.data["by"], last.data["answered_at"]) == (Cause.NO_ANSWER, "us", None)
    assert wait_for(lambda: bool(callee.seen("cancel", call.to)))


def test_hanging_up_a_call_that_nobody_knows_is_no_error(line: Line) -> None:
    line.provider.hang_up("nobody")


def test_a_menu_that_repeats_ends_some_day(line: Line) -> None:
    menu = Gather(prompt=[Play("Меню.")], branches={"5": (Again(),), "1": (HangUp(),)}, tries=3, seconds=2)
    call = request("15", scenario=(menu,))
    line.provider.place([call])
    assert line.ears.wait_for_end(call.reference).data["digits"] == "51"


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


def test_without_a_dialer_nothing_is_placed(settings: Settings, store: redis.Redis, pbx: AsteriskServer) -> None:
    found = provider(settings, pbx)
    assert found.health().code == "telephony.dialer_away"
    with pytest.raises(ProviderDown):
        found.place([request("01")])


def test_a_store_that_is_away_is_said_in_one_way(pbx: AsteriskServer) -> None:
    away = provider(Settings(redis_url="redis://127.0.0.1:1/0"), pbx)
    assert away.health().code == "telephony.down"
    for act in (lambda: away.place([request("01")]), lambda: away.hang_up("x")):
        with pytest.raises(ProviderDown):
            act()


def listening_to(found: Asterisk, code: str) -> None:
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


def test_a_second_dialer_waits_and_takes_over(settings: Settings, line: Line, pbx: AsteriskServer) -> None:
    second = Line(provider(settings, pbx), line.ears)
    call = request("04")
    line.provider.place([call])
    line.ears.wait_for_end(call.reference)
    line.stop()
    assert wait_for(lambda: second.provider.health().ok, 15)
    other = request("04")
    second.provider.place([other])
    line.ears.wait_for_end(other.reference)
    second.stop()
    assert second.provider.health().code == "telephony.dialer_away"


def test_a_prompt_that_nobody_can_speak_ends_the_call_before_it_rings(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer, callee: Callee
) -> None:
    sounds = Sounds(NoSpeech(), pbx.sounds / "none", str(pbx.sounds))
    trunk = Trunk("callcab", "PJSIP/{e164}@carrier", "")
    found = Asterisk(str(settings.redis_url), Access(pbx.url, "callcab", PASSWORD), trunk, sounds)
    for line in listening(found):
        call = request("01")
        found.place([call])
        assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.CONGESTION
        assert callee.seen("invite", call.to) == []


def test_a_sound_that_asterisk_cannot_read_ends_the_call_at_once(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer
) -> None:
    sounds = Sounds(EspeakSpeech(), pbx.sounds, "/nowhere")
    trunk = Trunk("callcab", "PJSIP/{e164}@carrier", "")
    found = Asterisk(str(settings.redis_url), Access(pbx.url, "callcab", PASSWORD), trunk, sounds)
    for line in listening(found):
        call = request("10")
        found.place([call])
        begun = time.monotonic()
        last = line.ears.wait_for_end(call.reference)
        assert (last.data["cause"], last.data["by"]) == (Cause.CONGESTION, "us")
        assert time.monotonic() - begun < 4


def test_many_threads_place_the_same_calls_once(line: Line, callee: Callee) -> None:
    calls = [request("04") for _ in range(10)]
    barrier, counts = threading.Barrier(4), []

    def place() -> None:
        barrier.wait()
        counts.append(line.provider.place(calls))

    threads = [threading.Thread(target=place) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(calls)
    for call in calls:
        line.ears.wait_for_end(call.reference)
        assert len(callee.seen("invite", call.to)) == 1
