"""One call as its scenario sees it: what happened goes in, events and commands come out. No clock, no network.

Something that takes time (a prompt, a silence) has a token; what comes with an old token came too late and is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from callcab.providers.telephony.base import (
    Again,
    Answer,
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
    Refuse,
    Step,
    Transfer,
    decode,
    encode,
)

MOST_REPEATS = 3
MOST_DIGITS = 32


@dataclass(frozen=True)
class Say:
    """Play these, then tell ``said`` with the token."""

    plays: Sequence[Play]
    token: int


@dataclass(frozen=True)
class Hush:
    """Stop what is being played; ``token`` names it."""

    token: int


@dataclass(frozen=True)
class Wait:
    """After so many seconds tell ``waited`` with the token."""

    seconds: float
    token: int


@dataclass(frozen=True)
class Limit:
    """The call was answered: it may last this long."""

    seconds: int


@dataclass(frozen=True)
class Detect:
    """Find out whether a machine answered, then tell ``detected``."""


@dataclass(frozen=True)
class Join:
    """Ring this number and join it with the callee."""

    to: str


@dataclass(frozen=True)
class PickUp:
    """Answer the caller, then tell ``answered``."""


@dataclass(frozen=True)
class End:
    """Hang up."""


Command = Say | Hush | Wait | Limit | Detect | Join | PickUp | End


@dataclass
class Conversation:
    """The state of one call. ``phase``: dialling, ringing, detecting, talking, joining, joined, ended.

    channel  of somebody who calls us; empty when we call
    owner    who is rung for such a caller
    """

    reference: str
    to: str
    scenario: Sequence[Step]
    ring_seconds: int
    longest_seconds: int
    caller_id: str | None = None
    caller_name: str = ""
    detect_machine: bool = False
    began_at: datetime | None = None
    phase: str = "dialling"
    left: Sequence[Step] = ()
    saying: int = 0
    token: int = 0
    tries: int = 0
    repeats: int = 0
    digits: str = ""
    answered_at: datetime | None = None
    stopped: bool = False
    verdict: Cause = Cause.ANSWERED
    channel: str = ""
    owner: str = ""
    final: dict[str, Any] | None = None
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    # What the line tells

    def rings(self, at: datetime) -> None:
        if self.phase == "dialling":
            self.phase = "ringing"
            self._tell(EventKind.RINGING, "ringing", at)

    def answered(self, at: datetime) -> None:
        """Somebody, or something, took the call."""
        if self.answered_at is not None or self.phase == "ended":
            return
        self.answered_at = at
        self._tell(EventKind.ANSWERED, "answered", at)
        self.commands.append(Limit(self.longest_seconds))
        if self.owner:
            self.phase = "joined"
        elif self.detect_machine:
            self.phase = "detecting"
            self.commands.append(Detect())
        else:
            self.phase = "talking"
            self._go_on(self.scenario)

    def detected(self, machine: bool) -> None:
        if self.phase != "detecting":
            return
        self.phase = "talking"
        if machine:
            self.hang_up(Cause.MACHINE)
        else:
            self._go_on(self.scenario)

    def pressed(self, digit: str, at: datetime) -> None:
        if self.answered_at is None or self.phase in ("joining", "joined", "ended"):
            return
        self.digits = (self.digits + digit)[:MOST_DIGITS]
        self._tell(EventKind.DIGIT, f"digit:{len(self.digits)}@{at.timestamp():.3f}", at, digit=digit)
        step = self._step()
        if self.phase != "talking" or self.stopped or not isinstance(step, Gather):
            return
        self._hush()
        if digit in step.branches:
            self._go_on((*step.branches[digit], *self.left[1:]))
        else:
            self._unheard(step, step.unknown)

    def said(self, token: int) -> None:
        """A prompt came to its end."""
        if token != self.token or self.phase != "talking":
            return
        self.saying = 0
        step = self._step()
        if isinstance(step, Gather):
            self.commands.append(Wait(step.seconds, self.token))
        else:
            self._go_on(self.left[1:])

    def waited(self, token: int) -> None:
        """Nobody pressed anything."""
        step = self._step()
        if token == self.token and self.phase == "talking" and isinstance(step, Gather):
            self._unheard(step, step.unheard)

    def unplayable(self, token: int) -> None:
        """A prompt could not be played: nobody listens to silence, and it is our fault."""
        if token == self.token and self.phase == "talking":
            self.hang_up(Cause.CONGESTION)

    def joined(self) -> None:
        """The other leg was answered."""
        if self.phase == "joining":
            self.phase = "joined"

    def parted(self, cause: Cause) -> None:
        """The other leg ended, or was never reached because of ``cause``."""
        if self.phase not in ("joining", "joined"):
            return
        if self.owner:
            self.hang_up(Cause.ANSWERED if self.answered_at else cause)
        else:
            self.phase = "talking"
            self._go_on(self.left[1:])

    def hang_up(self, verdict: Cause = Cause.ANSWERED) -> None:
        """End the call from our side; an answered one ends as ``verdict``."""
        if not self.stopped:
            self.stopped = True
            self.verdict = verdict
            # What is being played ends with the call.
            self.commands = [command for command in self.commands if not isinstance(command, Hush)]
            self.commands.append(End())

    def ended(self, at: datetime, cause: Cause, by: str, **codes: int) -> None:
        """The line is free. ``cause`` is that of a call that nobody answered, or LOST."""
        if self.phase == "ended":
            return
        self.phase = "ended"
        lost = cause is Cause.LOST
        if self.answered_at is not None and not lost:
            cause, by = self.verdict, "us" if self.stopped else "them"
        elif self.stopped and not lost:
            cause, by = Cause.NO_ANSWER if self.verdict is Cause.ANSWERED else self.verdict, "us"
        talked = (at - self.answered_at).total_seconds() if self.answered_at and not lost else 0
        self.final = {
            "cause": cause.value,
            "by": by,
            "digits": self.digits,
            "answered_at": self.answered_at.isoformat() if self.answered_at else None,
            "seconds": max(0, min(ceil(talked), self.longest_seconds)),
            **{name: code for name, code in codes.items() if code},
        }
        self._tell(EventKind.HANGUP, "hangup", at, **self.final)
        self.final["at"] = at.isoformat()

    @property
    def turned_away(self) -> bool:
        """Whether this is a caller whom we refuse without answering."""
        return bool(self.channel) and self.answered_at is None

    def resume(self) -> None:
        """We were away: begin anew what was going on, or tell again how it ended."""
        if self.final is not None:
            data = dict(self.final)
            at = datetime.fromisoformat(data.pop("at"))
            self._tell(EventKind.HANGUP, "hangup", at, **data)
        elif self.stopped:
            self.commands.append(End())
        elif self.channel and self.phase == "dialling":
            self.commands.append(PickUp())
        elif self.phase == "talking":
            self._hush()
            step = self._step()
            if isinstance(step, Gather):
                self._say(step.prompt)
            else:
                self._go_on(self.left)

    # How the scenario goes on

    def _step(self) -> Step:
        return self.left[0] if self.left else HangUp()

    def _go_on(self, steps: Sequence[Step]) -> None:
        self.left = tuple(steps)
        self.tries = 0
        step = self._step()
        if isinstance(step, Again) and self.repeats < MOST_REPEATS:
            self.repeats += 1
            self._go_on(self.scenario)
        elif isinstance(step, Play):
            self._say([step])
        elif isinstance(step, Gather):
            self._ask(step, ())
        elif isinstance(step, Transfer):
            self.phase = "joining"
            self.commands.append(Join(step.to))
        else:
            self.hang_up()

    def _ask(self, step: Gather, before: Sequence[Play]) -> None:
        self.tries += 1
        self._say((*before, *step.prompt))

    def _unheard(self, step: Gather, complaint: Sequence[Play]) -> None:
        if self.tries < step.tries:
            self._ask(step, complaint)
        else:
            self._go_on((*step.otherwise, *self.left[1:]))

    def _say(self, plays: Sequence[Play]) -> None:
        self.token += 1
        self.saying = self.token
        self.commands.append(Say(tuple(plays), self.token))

    def _hush(self) -> None:
        if self.saying:
            self.commands.append(Hush(self.saying))
            self.saying = 0
        self.token += 1

    def _tell(self, kind: EventKind, key: str, at: datetime, **data: Any) -> None:
        self.events.append(Event(self.reference, key, kind, at, data))


def begin(request: CallRequest, at: datetime) -> Conversation:
    """A call that is about to be dialled."""
    return Conversation(
        reference=request.reference,
        to=request.to,
        scenario=tuple(request.scenario),
        ring_seconds=request.ring_seconds,
        longest_seconds=request.longest_seconds,
        caller_id=request.caller_id,
        caller_name=request.caller_name,
        detect_machine=request.detect_machine,
        began_at=at,
    )


def come_in(call: Incoming, answer: Answer, channel: str) -> Conversation:
    """Somebody calls us, and this is what the rules want."""
    made = Conversation(call.reference, call.to, (), 0, 0, began_at=call.at, channel=channel)
    if isinstance(answer, Refuse) or (isinstance(answer, Connect) and answer.to == call.caller):
        # Nobody is connected with himself.
        made.hang_up(answer.cause if isinstance(answer, Refuse) else Cause.BUSY)
    elif isinstance(answer, Follow):
        made.scenario, made.longest_seconds = tuple(answer.scenario), answer.longest_seconds
        made.commands.append(PickUp())
    else:
        made.phase, made.owner = "joining", answer.to
        made.ring_seconds, made.longest_seconds = answer.ring_seconds, answer.longest_seconds
        made.caller_id = answer.caller_id
        made.commands.append(Join(answer.to))
        made._tell(EventKind.RINGING, "ringing", call.at)
    return made


def dump(call: Conversation) -> dict[str, Any]:
    """The state as JSON holds it; what is on its way out is not part of it."""
    data = {key: value for key, value in vars(call).items() if key not in ("events", "commands")}
    data |= {"scenario": encode(call.scenario), "left": encode(call.left), "verdict": call.verdict.value}
    for key in ("began_at", "answered_at"):
        data[key] = data[key].isoformat() if data[key] else None
    return data


def load(data: dict[str, Any]) -> Conversation:
    """The state that ``dump`` wrote."""
    made = dict(data)
    made |= {"scenario": decode(data["scenario"]), "left": decode(data["left"]), "verdict": Cause(data["verdict"])}
    for key in ("began_at", "answered_at"):
        made[key] = datetime.fromisoformat(data[key]) if data[key] else None
    return Conversation(**made)
