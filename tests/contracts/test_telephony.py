"""What every telephony provider must do; the simulator always, others when they are there."""

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import redis

from callcab.config import Settings
from callcab.lib import clock
from callcab.models import Outcome
from callcab.providers.telephony import heartbeat
from callcab.providers.telephony.base import (
    ADVICE,
    Again,
    Answer,
    CallKind,
    CallRequest,
    Cause,
    Connect,
    Event,
    EventKind,
    Follow,
    Gather,
    HangUp,
    Incoming,
    Play,
    ProviderDown,
    Refuse,
    Transfer,
    decode,
    encode,
)
from callcab.providers.telephony.simulator import Simulator
from tests.contracts.number_plan import PLAN, Row
from tests.waiting import wait_for

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ASK = Gather(prompt=[Play("Нажмите один.")], branches={"1": (Play("Спасибо."), HangUp())}, tries=2)


@pytest.fixture
def simulator(settings: Settings) -> Simulator:
    redis.Redis.from_url(str(settings.redis_url)).flushall()
    return Simulator(str(settings.redis_url))


def request(ending: str, kind: CallKind = CallKind.CAMPAIGN, **values: object) -> CallRequest:
    reference = f"t-{ending}-{kind.value}"
    return CallRequest(
        **{"reference": reference, "to": f"+792539445{ending}", "scenario": (ASK,), "kind": kind, **values}
    )


class Ears:
    """A listener that keeps what it hears; ``known`` are references whose ``placed`` is no news."""

    def __init__(self, *known: str, trouble: int = 0, answer: Answer | None = None) -> None:
        self.answer = answer or Refuse(Cause.REJECTED)
        self.came: list[Incoming] = []
        self.heard: list[Event] = []
        self.told: list[str] = []
        self.known = set(known)
        self.trouble = trouble

    def events(self, events: Sequence[Event]) -> Collection[str]:
        self.told += [event.key for event in events]
        if self.trouble:
            self.trouble -= 1
            raise RuntimeError("the database is away")
        self.heard += events
        placed = {event.reference for event in events if event.kind is EventKind.PLACED}
        fresh = placed - self.known
        self.known |= placed
        return fresh

    def incoming(self, call: Incoming) -> Answer:
        self.came.append(call)
        return self.answer


def play_out(simulator: Simulator, seconds: int = 300, ears: Ears | None = None, since: int = 0) -> list[Event]:
    """Let the time pass in small steps; returns what was told."""
    ears = ears or Ears()
    for step in range(since * 2, seconds * 2):
        with clock.frozen(START + timedelta(seconds=step / 2)):
            while simulator.step(ears):
                pass
    return ears.heard


def call(simulator: Simulator, ending: str) -> Event:
    with clock.frozen(START):
        assert simulator.place([request(f"{ending:0>2}")])
    return play_out(simulator)[-1]


@pytest.mark.parametrize("row", PLAN, ids=lambda row: row.ending)
def test_the_number_plan_ends_every_call_as_it_says(simulator: Simulator, row: Row) -> None:
    last = call(simulator, row.ending)
    assert last.kind is EventKind.HANGUP
    assert (last.data["cause"], last.data["digits"], last.data["by"]) == (row.cause, row.digits, row.by)


def test_who_hung_up_is_told(simulator: Simulator) -> None:
    assert call(simulator, "05").data["by"] == "them"
    assert call(simulator, "10").data["by"] == "us"


def test_events_of_a_call_come_in_order_with_keys_of_their_own(simulator: Simulator) -> None:
    with clock.frozen(START):
        simulator.place([request("01")])
    events = play_out(simulator)
    assert [event.kind for event in events] == ["placed", "ringing", "answered", "digit", "hangup"]
    assert len({event.key for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_same_reference_is_placed_once(simulator: Simulator) -> None:
    with clock.frozen(START):
        assert simulator.place([request("01"), request("02")]) == 2
        assert simulator.place([request("01"), request("03")]) == 1
    assert [event.kind for event in play_out(simulator)].count(EventKind.PLACED) == 3


def test_a_call_that_the_rules_know_as_placed_does_not_ring_again(simulator: Simulator) -> None:
    ears = Ears("t-01-campaign")
    with clock.frozen(START):
        simulator.place([request("01"), request("04")])
    for second in range(5):
        with clock.frozen(START + timedelta(seconds=second)):
            while simulator.step(ears):
                pass
    known = [(event.kind, event.data.get("cause")) for event in ears.heard if event.reference == "t-01-campaign"]
    assert known == [(EventKind.PLACED, None), (EventKind.HANGUP, Cause.LOST)]
    assert [event.kind for event in ears.heard if event.reference == "t-04-campaign"][-1] is EventKind.HANGUP


def test_an_event_that_could_not_be_handled_is_told_again_with_the_same_key(simulator: Simulator) -> None:
    ears = Ears(trouble=1)
    with clock.frozen(START):
        simulator.place([request("01")])
        simulator.step(ears)
        simulator._failed.clear()
        simulator.step(ears)
    assert ears.told == ["1:placed", "1:placed"]


def test_one_bad_event_holds_up_no_other_call(simulator: Simulator) -> None:
    class Picky(Ears):
        def events(self, events: Sequence[Event]) -> Collection[str]:
            if any(event.reference == "t-01-campaign" for event in events):
                raise RuntimeError("this one cannot be kept")
            return super().events(events)

    ears = Picky()
    with clock.frozen(START):
        simulator.place([request("01"), request("07"), request("12")])
        while simulator.step(ears):
            pass
    assert [event.reference for event in ears.heard] == ["t-07-campaign", "t-12-campaign"]


def test_calls_that_are_due_together_are_told_together(simulator: Simulator) -> None:
    batches: list[int] = []

    class Counting(Ears):
        def events(self, events: Sequence[Event]) -> Collection[str]:
            batches.append(len(events))
            return super().events(events)

    with clock.frozen(START):
        simulator.place([request("10", reference=f"r{step}") for step in range(40)])
        simulator.step(Counting())
    assert batches == [40]


def test_a_dialer_that_was_away_catches_up_in_the_right_order(simulator: Simulator) -> None:
    with clock.frozen(START):
        simulator.place([request("15")])
    ears = Ears()
    with clock.frozen(START + timedelta(minutes=5)):
        while simulator.step(ears):
            pass
    events = ears.heard
    assert [event.kind for event in events] == ["placed", "ringing", "answered", "digit", "digit", "hangup"]
    assert events[-1].at < START + timedelta(seconds=30)


def test_the_provider_ends_a_call_that_is_too_long(simulator: Simulator) -> None:
    endless = Gather(prompt=[Play("Слушайте. " * 300)], branches={})
    with clock.frozen(START):
        simulator.place([request("10", scenario=(endless,), longest_seconds=20)])
    assert play_out(simulator)[-1].data["seconds"] == 20


def test_hanging_up_before_the_answer_ends_the_call_unanswered(simulator: Simulator) -> None:
    with clock.frozen(START):
        simulator.place([request("03")])
    with clock.frozen(START + timedelta(seconds=2)):
        simulator.hang_up("t-03-campaign")
    last = play_out(simulator, 20)[-1]
    assert (last.kind, last.data["answered_at"]) == (EventKind.HANGUP, None)


def test_a_transfer_is_talked_through_and_its_keys_are_not_told(simulator: Simulator) -> None:
    menu = Gather(prompt=[Play("Меню.")], branches={"5": (Play("Соединяем."), Transfer("+79250000001"))})
    assert simulator.unsupported([menu]) == []
    with clock.frozen(START):
        simulator.place([request("15", scenario=(menu,))])
    last = play_out(simulator)[-1]
    assert (last.data["cause"], last.data["by"], last.data["digits"]) == ("completed", "them", "5")
    assert last.data["seconds"] > 20


@pytest.mark.parametrize(("ending", "digits"), [("10", ""), ("02", "2")])
def test_silence_and_a_wrong_key_are_answered_and_the_prompt_is_said_again(
    simulator: Simulator, ending: str, digits: str
) -> None:
    def seconds(**words: object) -> int:
        menu = Gather(prompt=[Play("Меню.")], branches={"1": (HangUp(),)}, tries=2, **words)
        with clock.frozen(START):
            simulator.place([request(ending, scenario=(menu,), reference=f"t-{len(words)}")])
        last = play_out(simulator)[-1]
        assert (last.data["by"], last.data["digits"]) == ("us", digits)
        return int(last.data["seconds"])

    said = [Play("Ничего не слышно, попробуйте ещё раз.")]
    assert seconds(unheard=said, unknown=said) > seconds()


def test_repeating_the_menu_ends_some_day(simulator: Simulator) -> None:
    menu = Gather(prompt=[Play("Меню.")], branches={"5": (Again(),), "1": (HangUp(),)}, tries=9)
    with clock.frozen(START):
        simulator.place([request("15", scenario=(menu,))])
    assert play_out(simulator)[-1].data["digits"] == "51"


def test_a_verification_of_an_ordinary_number_waits_for_the_handset(simulator: Simulator) -> None:
    with clock.frozen(START):
        simulator.place([request("77", CallKind.VERIFICATION)])
    play_out(simulator, 3)
    assert [(line.phase, line.to) for line in simulator.handset(["t-77-verification"])] == [("ringing", "+79253944577")]
    with clock.frozen(START + timedelta(seconds=4)):
        simulator.touch("t-77-verification", "answer")
    with clock.frozen(START + timedelta(seconds=6)):
        simulator.touch("t-77-verification", "1")
    last = play_out(simulator, 30)[-1]
    assert (last.data["cause"], last.data["digits"]) == ("completed", "1")
    assert simulator.handset(["t-77-verification"]) == []


def test_an_ordinary_number_of_a_campaign_behaves_the_same_every_time(simulator: Simulator) -> None:
    endings = []
    for attempt in ("a", "b"):
        with clock.frozen(START):
            simulator.place([request("77", reference=attempt)])
        endings.append(play_out(simulator, 90)[-1].data["cause"])
    assert endings[0] == endings[1]


def ring_us(simulator: Simulator, answer: Answer, caller: str = "+79161112233") -> tuple[str, Ears]:
    """A person calls +79250000050; the first seconds pass."""
    ears = Ears(answer=answer)
    with clock.frozen(START):
        reference = simulator.dial_in(caller=caller, to="+79250000050")
    play_out(simulator, 2, ears)
    return reference, ears


def act(simulator: Simulator, ears: Ears, reference: str, what: str, second: int) -> None:
    with clock.frozen(START + timedelta(seconds=second)):
        simulator.touch(reference, what)
    play_out(simulator, second + 2, ears, since=second)


def test_who_calls_us_is_asked_about_and_a_refusal_is_heard(simulator: Simulator) -> None:
    reference, ears = ring_us(simulator, Refuse(Cause.BUSY))
    assert ears.came == [Incoming(reference, "+79250000050", "+79161112233", START)]
    assert [(event.kind, event.data["cause"], event.data["seconds"]) for event in ears.heard] == [("hangup", "busy", 0)]
    line = simulator.called(reference)
    assert line
    assert (line.phase, line.cause) == ("ended", "busy")


def test_a_hidden_number_comes_without_a_caller(simulator: Simulator) -> None:
    _, ears = ring_us(simulator, Refuse(Cause.REJECTED), caller="")
    assert ears.came[0].caller == ""


def test_an_incoming_call_is_led_through_a_menu(simulator: Simulator) -> None:
    reference, ears = ring_us(simulator, Follow((ASK,)))
    assert [line.says for line in simulator.handset([reference])] == ["Нажмите один."]
    act(simulator, ears, reference, "1", 4)
    play_out(simulator, 30, ears, since=6)
    assert [event.kind for event in ears.heard] == ["answered", "digit", "hangup"]
    assert (ears.heard[-1].data["digits"], ears.heard[-1].data["by"]) == ("1", "us")


def test_a_caller_and_an_owner_who_answers_talk_until_one_hangs_up(simulator: Simulator) -> None:
    reference, ears = ring_us(simulator, Connect("+79250000050"))
    assert [line.phase for line in simulator.handset([reference])] == ["ringing"]
    act(simulator, ears, reference, "answer", 4)
    act(simulator, ears, reference, "drop", 20)
    assert [event.kind for event in ears.heard] == ["ringing", "answered", "hangup"]
    assert (ears.heard[-1].data["cause"], ears.heard[-1].data["seconds"]) == ("completed", 16)


@pytest.mark.parametrize(("what", "cause"), [("reject", "rejected"), ("drop", "no_answer"), (None, "no_answer")])
def test_an_owner_who_is_not_reached_costs_the_caller_nothing(
    simulator: Simulator, what: str | None, cause: str
) -> None:
    reference, ears = ring_us(simulator, Connect("+79250000050", ring_seconds=20))
    if what:
        act(simulator, ears, reference, what, 4)
    play_out(simulator, 30, ears, since=6)
    last = ears.heard[-1]
    assert (last.kind, last.data["cause"], last.data["answered_at"]) == ("hangup", cause, None)


def test_an_owner_of_the_number_plan_acts_by_himself(simulator: Simulator) -> None:
    _, ears = ring_us(simulator, Connect("+79253944504"))
    assert ears.heard[-1].data["cause"] == "busy"


def test_an_incoming_call_that_the_rules_could_not_take_is_asked_about_again(simulator: Simulator) -> None:
    ears = Ears(trouble=1, answer=Follow((ASK,)))
    with clock.frozen(START):
        simulator.dial_in(caller="+79161112233", to="+79250000050")
        simulator.step(ears)
        simulator._failed.clear()
        simulator.step(ears)
    assert ears.came == [ears.came[0]] * 2
    assert [event.kind for event in ears.heard] == ["answered"]


def test_no_call_of_ours_is_shown_as_one_that_came_in(simulator: Simulator) -> None:
    with clock.frozen(START):
        simulator.place([request("03")])
    assert simulator.called("t-03-campaign") is None
    assert simulator.called("i-unknown") is None


def test_without_a_listener_it_says_so(simulator: Simulator) -> None:
    assert simulator.health().code == "telephony.dialer_away"


def test_a_listener_shows_its_heartbeat_and_takes_it_away(simulator: Simulator, settings: Settings) -> None:
    stop, ears = threading.Event(), Ears()
    simulator.place([request("07")])
    listener = threading.Thread(target=simulator.listen, args=(ears, stop))
    listener.start()
    assert wait_for(lambda: bool(ears.heard))
    assert simulator.health().ok
    stop.set()
    listener.join(10)
    assert redis.Redis.from_url(str(settings.redis_url)).get(heartbeat.KEY) is None


@pytest.mark.parametrize(
    "act",
    [lambda s: s.place([request("01")]), lambda s: s.hang_up("x"), lambda s: s.handset(["x"])]
    + [lambda s: s.called("x"), lambda s: s.dial_in(caller="", to="+79250000050")],
)
def test_a_store_that_is_away_is_said_in_one_way(act: Callable[[Simulator], object]) -> None:
    away = Simulator("redis://127.0.0.1:1/0")
    with pytest.raises(ProviderDown):
        act(away)
    assert away.health().code == "telephony.down"


def test_causes_and_advice_use_the_names_of_call_outcomes() -> None:
    outcomes = {outcome.value for outcome in Outcome}
    assert {cause.value for cause in Cause} <= outcomes
    assert set(ADVICE) <= outcomes


def test_a_scenario_survives_being_stored() -> None:
    menu = Gather(
        prompt=(Play("а", "b.wav"),),
        branches={"1": (Again(),)},
        otherwise=(Transfer("+7"),),
        unknown=(Play("в"),),
        tries=2,
    )
    assert encode(decode(encode((menu, HangUp())))) == encode((menu, HangUp()))
