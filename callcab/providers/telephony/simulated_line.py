"""One simulated line as pure functions: who is called, what he does, what our scenario answers.

``start`` and ``advance`` take a state and return the new one with events and further actions due; nothing here knows
about Valkey or the wall clock, so that a repeated step gives the same events with the same keys.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from callcab.providers.telephony.base import (
    Again,
    Answer,
    CallKind,
    CallRequest,
    Cause,
    Event,
    EventKind,
    Follow,
    Gather,
    HangUp,
    Play,
    Refuse,
    Step,
    Transfer,
)

HANDSET = "handset"
HIDDEN = "hidden"
# What the callee does, as (seconds after ringing, action). "answer", "press 1", "drop" and "end <cause>".
Plan = Sequence[tuple[float, str]]
PLANS: dict[str, Plan] = {
    "01": ((1.5, "answer"), (3, "press 1")),
    "02": ((1.5, "answer"), (3, "press 2")),
    "03": (),
    "04": ((0.5, "end busy"),),
    "05": ((1.5, "answer"), (2.7, "drop")),
    "06": ((1.5, "answer"), (3, "press 1")),
    "07": ((0, "end unallocated"),),
    "08": ((1, "end rejected"),),
    "09": ((1.5, "answer"), (3, "press 9")),
    "10": ((1.5, "answer"),),
    "11": ((1.5, "answer"), (3.5, "end machine")),
    "12": ((0, "end congestion"),),
    "13": ((3, "answer"), (4.5, "press 1")),
    "14": ((1.5, "answer"),),
    "15": ((1.5, "answer"), (3, "press 5"), (5, "press 1")),
    "16": ((0.5, "end unreachable"),),
}
# How other numbers of a campaign behave: (share of a hundred, plan). The number itself decides, so a demo repeats.
SPREAD: Sequence[tuple[int, Plan]] = (
    (38, ((2, "answer"),)),
    (17, ((3, "answer"), (6, "press 1"))),
    (6, ((3, "answer"), (5.5, "press 9"))),
    (9, ((2, "answer"), (4, "drop"))),
    (17, ()),
    (8, ((0.5, "end busy"),)),
    (3, ((2, "end rejected"),)),
    (1, ((0.5, "end unreachable"),)),
    (1, ((0, "end unallocated"),)),
)
RING_DELAY = 0.3
MOST_REPEATS = 3
LETTERS_PER_SECOND = 14
# A transfer is answered and talked through: the plan of the number that is joined plays no part.
JOINED_SECONDS = 20


@dataclass(frozen=True)
class Action:
    """Something due on a line. ``token`` of a timer must equal the line's, or the timer is stale."""

    at: datetime
    name: str
    token: int | None = None


@dataclass(frozen=True)
class Line:
    """The state of one call; ``left`` are scenario steps still to come, the first is going on.

    An incoming call has a ``caller``, for whom ``phase`` is dialling until the rules have answered, and an ``owner``
    while he is rung or talks; ``cause`` is why the call ended.
    """

    reference: str
    to: str
    scenario: tuple[Step, ...]
    ring_seconds: int
    longest_seconds: int
    attended: bool
    phase: str = "dialling"
    left: tuple[Step, ...] = ()
    tries: int = 0
    repeats: int = 0
    token: int = 0
    digits: str = ""
    answered_at: datetime | None = None
    events: int = 0
    caller: str = ""
    owner: str = ""
    cause: str = ""


@dataclass
class Outcome:
    """What one step gave."""

    line: Line
    events: list[Event] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)


def plan_for(request: CallRequest) -> Plan | str:
    """What the callee will do, or HANDSET when a person does it by hand."""
    last = request.to[-2:]
    if last in PLANS:
        return PLANS[last]
    if request.kind is CallKind.VERIFICATION:
        return HANDSET
    place = zlib.crc32(request.to.encode()) % 100
    for share, plan in SPREAD:
        if place < share:
            return plan
        place -= share
    raise AssertionError("the shares add up to a hundred")


def start(request: CallRequest, now: datetime) -> Outcome:
    """A new line and everything the callee will do by himself."""
    plan = plan_for(request)
    line = Line(
        reference=request.reference,
        to=request.to,
        scenario=tuple(request.scenario),
        ring_seconds=request.ring_seconds,
        longest_seconds=request.longest_seconds,
        attended=plan == HANDSET,
    )
    ringing = now + timedelta(seconds=RING_DELAY)
    actions = [Action(now, "place"), Action(ringing, "ring")]
    actions.append(Action(ringing + timedelta(seconds=request.ring_seconds), "ring timeout"))
    if not isinstance(plan, str):
        actions += [Action(ringing + timedelta(seconds=after), name) for after, name in plan]
    return Outcome(line, actions=actions)


def dial_in(reference: str, *, caller: str, to: str, now: datetime) -> Outcome:
    """A person calls one of our numbers; ``caller`` is empty when he hides his own."""
    line = Line(reference, to, (), 0, 0, attended=True, caller=caller or HIDDEN)
    return Outcome(line, actions=[Action(now, "incoming")])


def take(line: Line, answer: Answer, at: datetime) -> Outcome:
    """Do with an incoming call what the rules said; an owner whose number is in the plan acts by himself."""
    outcome = Outcome(line)
    if line.phase != "dialling":
        return outcome
    if isinstance(answer, Refuse):
        _end(outcome, answer.cause, "us", at)
    elif isinstance(answer, Follow):
        outcome.line = replace(line, scenario=tuple(answer.scenario), longest_seconds=answer.longest_seconds)
        _answer(outcome, at)
    else:
        outcome.line = replace(line, phase="ringing", owner=answer.to, longest_seconds=answer.longest_seconds)
        _tell(outcome, EventKind.RINGING, at)
        outcome.actions.append(Action(at + timedelta(seconds=answer.ring_seconds), "ring timeout"))
        for after, name in PLANS.get(answer.to[-2:], ()):
            if not name.startswith("press"):
                outcome.actions.append(Action(at + timedelta(seconds=after), name))
    return outcome


def advance(line: Line, action: Action) -> Outcome:
    """Carry out one action; what no longer fits the phase does nothing."""
    outcome = Outcome(line)
    name, _, argument = action.name.partition(" ")
    if line.phase == "ended":
        return outcome
    if name == "place":
        _tell(outcome, EventKind.PLACED, action.at)
    elif name == "ring" and argument == "timeout":
        if line.phase in ("dialling", "ringing"):
            _end(outcome, Cause.NO_ANSWER, "us", action.at)
    elif name == "ring" and line.phase == "dialling":
        outcome.line = replace(line, phase="ringing")
        _tell(outcome, EventKind.RINGING, action.at)
    elif name == "answer" and line.phase == "ringing":
        _answer(outcome, action.at)
    elif name == "press" and line.phase == "talking":
        _press(outcome, argument, action.at)
    elif name == "drop" and line.caller and line.phase == "ringing":
        _end(outcome, Cause.NO_ANSWER, "them", action.at)
    elif name == "drop" and line.phase == "talking":
        _end(outcome, Cause.ANSWERED, "them", action.at)
    elif name == "end":
        # A machine does not hang up by itself: we do, once we know.
        _end(outcome, Cause(argument), "us" if argument == Cause.MACHINE else "them", action.at)
    elif name == "limit" and line.phase == "talking":
        _end(outcome, Cause.ANSWERED, "us", action.at)
    elif name == "timer" and action.token == line.token:
        _timer(outcome, action.at)
    elif name == "stop":
        cause = Cause.ANSWERED if line.answered_at else Cause.NO_ANSWER
        _end(outcome, cause, "us", action.at)
    return outcome


def lose(line: Line, at: datetime) -> Outcome:
    """The end of a line that was told as placed before and must not be dialled: nobody knows what became of it."""
    outcome = Outcome(line)
    _end(outcome, Cause.LOST, "us", at)
    return outcome


def _tell(outcome: Outcome, kind: EventKind, at: datetime, **data: Any) -> None:
    line = replace(outcome.line, events=outcome.line.events + 1)
    outcome.line = line
    outcome.events.append(Event(line.reference, f"{line.events}:{kind.value}", kind, at, data))


def _answer(outcome: Outcome, at: datetime) -> None:
    outcome.line = replace(outcome.line, phase="talking", answered_at=at)
    _tell(outcome, EventKind.ANSWERED, at)
    outcome.actions.append(Action(at + timedelta(seconds=outcome.line.longest_seconds), "limit"))
    if not outcome.line.owner:
        _go_on(outcome, outcome.line.scenario, at)


def _go_on(outcome: Outcome, steps: Sequence[Step], at: datetime) -> None:
    """Begin the first of ``steps``; a timer ends it, and no steps left means that we hang up."""
    line = replace(outcome.line, left=tuple(steps), token=outcome.line.token + 1, tries=0)
    outcome.line = line
    step = line.left[0] if line.left else HangUp()
    if isinstance(step, Again):
        if line.repeats >= MOST_REPEATS:
            _end(outcome, Cause.ANSWERED, "us", at)
            return
        outcome.line = replace(line, repeats=line.repeats + 1)
        _go_on(outcome, line.scenario, at)
    elif isinstance(step, Play):
        _set_timer(outcome, at, spoken(step))
    elif isinstance(step, Gather):
        _ask(outcome, step, at)
    elif isinstance(step, Transfer):
        _set_timer(outcome, at, JOINED_SECONDS)
    elif isinstance(step, HangUp):
        _end(outcome, Cause.ANSWERED, "us", at)


def _ask(outcome: Outcome, step: Gather, at: datetime, before: Sequence[Play] = ()) -> None:
    outcome.line = replace(outcome.line, tries=outcome.line.tries + 1, token=outcome.line.token + 1)
    _set_timer(outcome, at, sum(map(spoken, (*before, *step.prompt))) + step.seconds)


def _set_timer(outcome: Outcome, at: datetime, seconds: float) -> None:
    outcome.actions.append(Action(at + timedelta(seconds=seconds), "timer", outcome.line.token))


def _timer(outcome: Outcome, at: datetime) -> None:
    """What was going on came to its end: a text was said, or nobody pressed anything."""
    line = outcome.line
    step = line.left[0] if line.left else HangUp()
    if isinstance(step, Gather):
        _once_more(outcome, step, at, step.unheard)
    elif isinstance(step, Transfer):
        _end(outcome, Cause.ANSWERED, "them", at)
    else:
        _go_on(outcome, line.left[1:], at)


def _once_more(outcome: Outcome, step: Gather, at: datetime, why: Sequence[Play]) -> None:
    if outcome.line.tries < step.tries:
        _ask(outcome, step, at, why)
    else:
        _go_on(outcome, (*step.otherwise, *outcome.line.left[1:]), at)


def _press(outcome: Outcome, digit: str, at: datetime) -> None:
    step = outcome.line.left[0] if outcome.line.left else None
    if isinstance(step, Transfer):
        return
    outcome.line = replace(outcome.line, digits=(outcome.line.digits + digit)[:32])
    _tell(outcome, EventKind.DIGIT, at, digit=digit)
    if not isinstance(step, Gather):
        return
    if digit in step.branches:
        _go_on(outcome, (*step.branches[digit], *outcome.line.left[1:]), at)
    else:
        _once_more(outcome, step, at, step.unknown)


def _end(outcome: Outcome, cause: Cause, by: str, at: datetime) -> None:
    line = outcome.line
    talked = (at - line.answered_at).total_seconds() if line.answered_at else 0
    _tell(
        outcome,
        EventKind.HANGUP,
        at,
        cause=cause.value,
        by=by,
        digits=line.digits,
        answered_at=line.answered_at.isoformat() if line.answered_at else None,
        seconds=min(ceil(talked), line.longest_seconds),
    )
    outcome.line = replace(outcome.line, phase="ended", left=(), cause=cause.value)


def says(line: Line) -> str:
    """What the robot is saying or has just asked; empty when it says nothing."""
    step = line.left[0] if line.left else None
    if isinstance(step, Gather):
        return " ".join(play.text for play in step.prompt)
    return step.text if isinstance(step, Play) else ""


def plays_sound(line: Line) -> bool:
    """Whether that is a sound and no text."""
    step = line.left[0] if line.left else None
    plays = step.prompt if isinstance(step, Gather) else [step]
    return any(isinstance(play, Play) and play.sound for play in plays)


def spoken(step: Play) -> float:
    """Seconds that a text or a sound takes."""
    return step.seconds or max(1.0, round(len(step.text) / LETTERS_PER_SECOND, 1))
