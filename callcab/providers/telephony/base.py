"""What every way of placing calls has in common: the whole scenario goes in, normalised events come out.

A provider knows nothing of our database. It gets a reference that we chose, so that placing the same call twice places
it once, and it says what it can't do before anything rings. Events may come twice and in any order: each has a key that
is unique within its call, and the last one (``hangup``) carries everything that was heard, so that it alone decides.

A telephone rings at most once for a reference: the provider tells ``placed`` first and dials only when its listener,
who keeps what he is told for ever, hears it for the first time and still allows it. So neither an emptied store nor a
killed dialer rings twice; a provider that tells ``placed`` without being let through tells the end too, as ``lost``:
the call's dialer died in that very moment, or the rules ended it and don't listen any more.
"""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Protocol


@dataclass(frozen=True)
class Play:
    """Say a text, or play a sound: the path of a file (8 kHz mono WAV), which ``text`` then only names and which takes
    ``seconds``."""

    text: str
    sound: str = ""
    seconds: int = 0


@dataclass(frozen=True)
class Gather:
    """Play a prompt and wait for one digit.

    branches   what each digit leads to; a digit without a branch, or no digit, repeats the prompt until ``tries`` are
               used up, then ``otherwise`` goes on
    seconds    of silence after the prompt that count as no digit; a digit interrupts the prompt
    unheard    said before the prompt is repeated because nobody pressed anything
    unknown    said before it is repeated because the digit has no branch
    """

    prompt: Sequence[Play]
    branches: Mapping[str, Sequence["Step"]]
    otherwise: Sequence["Step"] = ()
    tries: int = 1
    seconds: int = 5
    unheard: Sequence[Play] = ()
    unknown: Sequence[Play] = ()


@dataclass(frozen=True)
class Again:
    """Start the scenario from its beginning; at most three times in a call."""


@dataclass(frozen=True)
class Transfer:
    """Join the callee with another number (E.164); the scenario ends there.

    Keys that are pressed while the two talk are theirs and are not told.
    """

    to: str


@dataclass(frozen=True)
class HangUp:
    """End the call from our side; also implied after the last step."""


Step = Play | Gather | Again | Transfer | HangUp


def steps_of(scenario: Sequence[Step]) -> Iterator[Step]:
    """All steps of a scenario, those inside branches too."""
    for step in scenario:
        yield step
        if isinstance(step, Gather):
            for branch in step.branches.values():
                yield from steps_of(branch)
            yield from steps_of(step.otherwise)


class CallKind(StrEnum):
    """Why we call; a provider may use different lines, the simulator a different callee."""

    VERIFICATION = "verification"
    CAMPAIGN = "campaign"


@dataclass(frozen=True)
class CallRequest:
    """One call.

    reference        ours, unique for ever, at most 64 characters; the provider's guard against calling twice
    to, caller_id    E.164; no caller id means the line's own number
    caller_name      shown beside the caller id where the line can: at most 32 characters, none of them ``"\\<>``
    ring_seconds     after this long without an answer the provider gives up (no_answer)
    longest_seconds  from answer to the end, kept by the provider even when we are gone
    detect_machine   listen for an answering machine before the scenario begins; a person waits a second or two
    """

    reference: str
    to: str
    scenario: Sequence[Step]
    kind: CallKind
    caller_id: str | None = None
    caller_name: str = ""
    ring_seconds: int = 30
    longest_seconds: int = 180
    detect_machine: bool = False


class EventKind(StrEnum):
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    DIGIT = "digit"
    HANGUP = "hangup"


@dataclass(frozen=True)
class Event:
    """Something that happened in a call.

    key    unique within the call: the same event told twice has the same key
    at     when it happened, by the provider's clock
    data   digit: ``digit``. hangup: ``cause`` (Cause), ``by`` (us or them), ``digits`` (all that were pressed, in
           order), ``answered_at`` (ISO 8601 or None), ``seconds`` (talked, started seconds), and where the provider
           has them ``q850`` and ``sip`` (codes of the line, for support)
    """

    reference: str
    key: str
    kind: EventKind
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


class Cause(StrEnum):
    """Why a call ended, the same names for every provider; the values are call outcomes (models.call.Outcome)."""

    ANSWERED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNALLOCATED = "unallocated"
    UNREACHABLE = "unreachable"
    CONGESTION = "congestion"
    MACHINE = "machine"
    REQUEST_REFUSED = "request_refused"
    LOST = "lost"


@dataclass(frozen=True)
class Advice:
    """Whether to call again: after ``delay`` at the earliest, ``tries`` more times at most (0 = don't)."""

    delay: timedelta = timedelta(0)
    tries: int = 0

    @property
    def again(self) -> bool:
        return self.tries > 0


NEVER = Advice()
_ANY = 99
ADVICE: Mapping[str, Advice] = {
    "no_answer": Advice(timedelta(hours=1), _ANY),
    "busy": Advice(timedelta(minutes=10), _ANY),
    "unreachable": Advice(timedelta(hours=2), 1),
    "congestion": Advice(timedelta(minutes=15), _ANY),
    "machine": Advice(timedelta(hours=3), 1),
    "lost": Advice(timedelta(minutes=30), 1),
}


def advice(outcome: str) -> Advice:
    """Whether a call that ended like this is worth another try; unknown outcomes are not."""
    return ADVICE.get(outcome, NEVER)


@dataclass(frozen=True)
class Health:
    """Whether calls can be placed and their events will be heard; ``code`` names the trouble."""

    ok: bool
    code: str = ""


class ProviderDown(Exception):
    """Nothing was placed, or we can't know; the same request may be sent again."""


class RequestRefused(Exception):
    """The provider will never place this request; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Incoming:
    """Somebody calls one of our numbers. ``reference`` is the provider's; ``caller`` is E.164, or empty when hidden."""

    reference: str
    to: str
    caller: str
    at: datetime


@dataclass(frozen=True)
class Refuse:
    """Turn an incoming call away without answering it, so that it costs nobody anything."""

    cause: Cause


@dataclass(frozen=True)
class Connect:
    """Ring ``to`` (E.164); when he answers, join both. Busy or silent, the caller hears so."""

    to: str
    caller_id: str | None = None
    ring_seconds: int = 30
    longest_seconds: int = 3600


@dataclass(frozen=True)
class Follow:
    """Answer an incoming call and lead it through a scenario."""

    scenario: Sequence[Step]
    longest_seconds: int = 180


Answer = Refuse | Connect | Follow


class Heard(IntEnum):
    """What the rules made of an event: not theirs, known already, or new."""

    UNKNOWN = 0
    AGAIN = 1
    NEWS = 2


class Listener(Protocol):
    """Who hears what a provider tells: one object per dialer process, called by several threads, but never by two about
    the same call."""

    def events(self, events: Sequence[Event]) -> Collection[str]:
        """Keep a batch of events, all or (raising) none; in the order they were told.

        Returns the references whose ``placed`` was news and who may still be called: only these may be dialled.
        """
        ...

    def incoming(self, call: Incoming) -> Answer:
        """What to do with an incoming call; its further events come through ``events``."""
        ...


class Telephony(Protocol):
    """A way of placing calls. All methods may be called from any process; ``listen`` by one at a time."""

    name: str

    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]:
        """Names of what this provider can't do of such a call (``transfer``, ``machine``); empty = all of it."""
        ...

    def place(self, requests: Sequence[CallRequest]) -> int:
        """Hand calls over and return at once; those whose reference was placed before are left alone.

        returns  how many are new
        raises   RequestRefused when one of them can never be placed: then none is; ProviderDown when nobody knows
        """
        ...

    def hang_up(self, reference: str) -> None:
        """End a call if it is up; unknown and ended calls are no error. Raises ProviderDown."""
        ...

    def health(self) -> Health:
        """Whether there is a provider and a dialer that listens. Never raises."""
        ...

    def listen(self, listener: Listener, stop: threading.Event) -> None:
        """Deliver events until ``stop``: each at least once; when the listener raises, again later.

        Returns only when stopped; waits while another process listens.
        """
        ...


def encode(scenario: Sequence[Step]) -> list[dict[str, Any]]:
    """A scenario as JSON holds it, for providers that keep it outside their own process."""
    return [_encode(step) for step in scenario]


def _encode(step: Step) -> dict[str, Any]:
    if isinstance(step, Play):
        return {"do": "play", "text": step.text, "sound": step.sound, "seconds": step.seconds}
    if isinstance(step, Gather):
        return {
            "do": "gather",
            "prompt": encode(step.prompt),
            "branches": {digit: encode(branch) for digit, branch in step.branches.items()},
            "otherwise": encode(step.otherwise),
            "tries": step.tries,
            "seconds": step.seconds,
            "unheard": encode(step.unheard),
            "unknown": encode(step.unknown),
        }
    if isinstance(step, Transfer):
        return {"do": "transfer", "to": step.to}
    return {"do": "again" if isinstance(step, Again) else "hangup"}


# What reading a request or a call raises when another version wrote it.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


def decode(data: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The scenario that ``encode`` wrote."""
    return tuple(_decode(item) for item in data)


def _decode(item: Mapping[str, Any]) -> Step:
    if item["do"] == "play":
        return Play(item["text"], item["sound"], item["seconds"])
    if item["do"] == "gather":
        return Gather(
            prompt=_plays(item["prompt"]),
            branches={digit: decode(branch) for digit, branch in item["branches"].items()},
            otherwise=decode(item["otherwise"]),
            tries=item["tries"],
            seconds=item["seconds"],
            unheard=_plays(item["unheard"]),
            unknown=_plays(item["unknown"]),
        )
    if item["do"] == "transfer":
        return Transfer(item["to"])
    return Again() if item["do"] == "again" else HangUp()


def _plays(items: Sequence[Mapping[str, Any]]) -> tuple[Play, ...]:
    return tuple(step for step in decode(items) if isinstance(step, Play))
