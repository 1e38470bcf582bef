"""The contract of every telephony provider, through each kind of line that rings real telephones."""

import threading
import time
from pathlib import Path

import pytest
import redis

from callcab.config import Settings
from callcab.lib import audio
from callcab.providers.speech import NoSpeech
from callcab.providers.telephony.base import (
    Again,
    Cause,
    EventKind,
    Gather,
    HangUp,
    Play,
    ProviderDown,
)
from tests import sounds
from tests.telephony.calls import SHOWN, check_label, check_plan, request
from tests.telephony.lines import Callee, Line, Way, listening
from tests.waiting import wait_for


def test_the_number_plan_ends_every_call_as_it_says(any_line: Line, callee: Callee) -> None:
    check_plan(any_line, callee)


def test_events_of_a_call_come_in_order_with_keys_of_their_own(any_line: Line) -> None:
    call = request("01")
    any_line.provider.place([call])
    any_line.ears.wait_for_end(call.reference)
    events = any_line.ears.of(call.reference)
    assert [event.kind for event in events] == ["placed", "ringing", "answered", "digit", "hangup"]
    assert len({event.key for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_callee_sees_our_number(any_line: Line, callee: Callee) -> None:
    call = request("04", caller_id="+74951112233")
    any_line.provider.place([call])
    any_line.ears.wait_for_end(call.reference)
    assert "sip:+74951112233@" in str(callee.seen(SHOWN[any_line.provider.name], call.to)[0]["what"])


def test_the_callee_sees_the_label_beside_our_number(any_line: Line, callee: Callee) -> None:
    check_label(any_line, callee)


def test_the_same_reference_rings_once(any_line: Line, callee: Callee) -> None:
    call = request("04")
    assert any_line.provider.place([call]) == 1
    assert any_line.provider.place([call]) == 0
    any_line.ears.wait_for_end(call.reference)
    assert any_line.provider.place([call]) == 0
    assert len(callee.seen("invite", call.to)) == 1


def test_an_emptied_store_rings_nobody_twice(any_line: Line, callee: Callee, store: redis.Redis) -> None:
    call = request("04")
    any_line.provider.place([call])
    any_line.ears.wait_for_end(call.reference)
    store.delete(f"callcab:ari:seen:{call.reference}")
    assert any_line.provider.place([call]) == 1
    other = request("04")
    any_line.provider.place([other])
    any_line.ears.wait_for_end(other.reference)
    assert len(callee.seen("invite", call.to)) == 1


def test_a_call_that_the_rules_know_as_placed_does_not_ring_and_ends_at_once(any_line: Line, callee: Callee) -> None:
    call, other = request("04"), request("04")
    any_line.ears.known.add(call.reference)
    any_line.provider.place([call, other])
    any_line.ears.wait_for_end(other.reference)
    last = any_line.ears.wait_for_end(call.reference, 5)
    assert (last.data["cause"], last.data["answered_at"], last.data["seconds"]) == (Cause.LOST, None, 0)
    assert [event.kind for event in any_line.ears.of(call.reference)] == [EventKind.PLACED, EventKind.HANGUP]
    assert callee.seen("invite", call.to) == []


def test_events_that_could_not_be_handled_are_told_again_and_nothing_rings_before(
    any_line: Line, callee: Callee
) -> None:
    any_line.ears.trouble = 3
    call = request("04")
    any_line.provider.place([call])
    assert wait_for(lambda: any_line.ears.trouble == 0)
    assert callee.seen("invite", call.to) == []
    assert any_line.ears.wait_for_end(call.reference).data["cause"] == Cause.BUSY
    assert len(callee.seen("invite", call.to)) == 1


def test_a_call_that_is_too_long_is_ended(any_line: Line) -> None:
    endless = Gather(prompt=[Play("Слушайте внимательно. " * 20)], branches={})
    call = request("10", scenario=(endless,), longest_seconds=3)
    any_line.provider.place([call])
    last = any_line.ears.wait_for_end(call.reference)
    assert (last.data["seconds"], last.data["by"]) == (3, "us")


def test_an_uploaded_recording_is_heard_as_sound_for_as_long_as_it_is(
    any_line: Line, callee: Callee, tmp_path: Path
) -> None:
    (tmp_path / "upload").write_bytes(sounds.tone(3.0, kind="MP3"))
    # Named as the storage names its files: Asterisk gets a copy that it can read and whose kind it knows.
    kept = tmp_path / "7f3a"
    kept.write_bytes(audio.to_telephone(tmp_path / "upload", longest=180))
    kept.chmod(0o600)
    call = request("10", scenario=(Play("Аудиозапись „Акция“", sound=str(kept), seconds=3), HangUp()))
    any_line.provider.place([call])
    last = any_line.ears.wait_for_end(call.reference)
    assert (last.data["cause"], last.data["by"]) == (Cause.ANSWERED, "us")
    assert 3 <= last.data["seconds"] <= 5
    assert callee.seen("heard a voice", call.to)


def test_hanging_up_before_the_answer_ends_the_call_unanswered(any_line: Line, callee: Callee) -> None:
    call = request("03", ring_seconds=30)
    any_line.provider.place([call])
    assert wait_for(lambda: bool(callee.seen("ringing", call.to)))
    any_line.provider.hang_up(call.reference)
    last = any_line.ears.wait_for_end(call.reference, 5)
    assert (last.data["cause"], last.data["by"], last.data["answered_at"]) == (Cause.NO_ANSWER, "us", None)
    assert wait_for(lambda: bool(callee.seen("cancel", call.to)))


def test_hanging_up_a_call_that_nobody_knows_is_no_error(any_line: Line) -> None:
    any_line.provider.hang_up("nobody")


def test_a_menu_that_repeats_ends_some_day(any_line: Line) -> None:
    menu = Gather(prompt=[Play("Меню.")], branches={"5": (Again(),), "1": (HangUp(),)}, tries=3, seconds=2)
    call = request("15", scenario=(menu,))
    any_line.provider.place([call])
    assert any_line.ears.wait_for_end(call.reference).data["digits"] == "51"


def test_without_a_dialer_nothing_is_placed(settings: Settings, store: redis.Redis, way: Way) -> None:
    found = way.provider(settings)
    assert found.health().code == "telephony.dialer_away"
    with pytest.raises(ProviderDown):
        found.place([request("01")])


def test_a_store_that_is_away_is_said_in_one_way(way: Way) -> None:
    away = way.provider(Settings(redis_url="redis://127.0.0.1:1/0"))
    assert away.health().code == "telephony.down"
    for act in (lambda: away.place([request("01")]), lambda: away.hang_up("x")):
        with pytest.raises(ProviderDown):
            act()


def test_a_second_dialer_waits_and_takes_over(settings: Settings, any_line: Line, way: Way) -> None:
    second = Line(way.provider(settings), any_line.ears)
    call = request("04")
    any_line.provider.place([call])
    any_line.ears.wait_for_end(call.reference)
    any_line.stop()
    assert wait_for(lambda: second.provider.health().ok, 15)
    other = request("04")
    second.provider.place([other])
    any_line.ears.wait_for_end(other.reference)
    second.stop()
    assert second.provider.health().code == "telephony.dialer_away"


def test_a_prompt_that_nobody_can_speak_ends_the_call_before_it_rings(
    settings: Settings, store: redis.Redis, way: Way, callee: Callee
) -> None:
    found = way.provider(settings, speech=NoSpeech())
    for line in listening(found):
        call = request("01")
        found.place([call])
        assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.CONGESTION
        assert callee.seen("invite", call.to) == []


def test_a_sound_that_cannot_be_read_ends_the_call_at_once(settings: Settings, store: redis.Redis, way: Way) -> None:
    found = way.provider(settings, seen_as="/nowhere")
    for line in listening(found):
        call = request("10")
        found.place([call])
        begun = time.monotonic()
        last = line.ears.wait_for_end(call.reference)
        assert (last.data["cause"], last.data["by"]) == (Cause.CONGESTION, "us")
        assert time.monotonic() - begun < 4


def test_many_threads_place_the_same_calls_once(any_line: Line, callee: Callee) -> None:
    calls = [request("04") for _ in range(10)]
    barrier, counts = threading.Barrier(4), []

    def place() -> None:
        barrier.wait()
        counts.append(any_line.provider.place(calls))

    threads = [threading.Thread(target=place) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(calls)
    for call in calls:
        any_line.ears.wait_for_end(call.reference)
        assert len(callee.seen("invite", call.to)) == 1
