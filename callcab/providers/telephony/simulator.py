"""The simulated line: no network, no money; its state lives in Valkey, so that a restart loses no call.

Numbers that end in 01…16 behave by the plan of ``simulated_line``; other numbers of a verification ring on the virtual
handset, where a person answers and presses; other numbers of a campaign behave by a fixed spread. The handset can also
call one of our numbers (``dial_in``).

Web and worker processes only add (a line, an action); one dialer at a time advances the lines, all that are due in one
batch. An action leaves the queue in the same transaction that stores the line's new state, after its events were
handled: a dialer that dies in between tells them again with the same keys. The log has a line for each call that is
dialled: twice the same reference would be a telephone that rang twice.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import redis

from callcab.lib import clock
from callcab.providers.telephony import simulated_line as lines
from callcab.providers.telephony.base import (
    UNREADABLE,
    CallRequest,
    EventKind,
    Health,
    Incoming,
    Listener,
    ProviderDown,
    RequestRefused,
    Step,
    decode,
    encode,
)
from callcab.providers.telephony.heartbeat import Place

log = logging.getLogger(__name__)

DUE = "callcab:sim:due"
LINE_SECONDS = 7200
ENDED_SECONDS = 900
ROUND = 200
PAUSE = 0.1
LONGEST_BACK_OFF = 30.0
KEYS = frozenset("0123456789*#")
_GONE = lines.Line("", "", (), 0, 0, False, phase="ended")

# Stores the line and what it will do, unless the reference is known: one step, so that no half of it can be lost.
PLACE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
for i = 3, #ARGV, 2 do redis.call('ZADD', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
"""


@dataclass(frozen=True)
class HandsetLine:
    """A call that a person deals with on the virtual handset; phase is dialling, ringing, talking or ended.

    caller  who dialled in, or HIDDEN; empty when we called
    owner   who is rung by an incoming call
    says    what the robot is saying
    sound   whether that is the name of a sound which is played
    cause   why it ended
    """

    reference: str
    to: str
    phase: str
    digits: str
    caller: str = ""
    owner: str = ""
    says: str = ""
    cause: str = ""
    sound: bool = False


class Simulator:
    """The simulated provider; implements ``base.Telephony``."""

    name = "simulator"

    def __init__(self, url: str) -> None:
        # Two seconds on each command: a slow store must not hold a page (F-08).
        self._store: Any = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)
        self._place = self._store.register_script(PLACE)
        self._listening = Place(self._store)
        self._failed: dict[str, tuple[float, float]] = {}

    # What the service asks

    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]:
        return []

    def place(self, requests: Sequence[CallRequest]) -> int:
        for request in requests:
            self._check(request)
        now = clock.now()
        try:
            with self._store.pipeline(transaction=False) as pipe:
                for request in requests:
                    self._place(keys=[_key(request.reference), DUE], args=_placing(request, now), client=pipe)
                return sum(pipe.execute())
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem

    def _check(self, request: CallRequest) -> None:
        if not request.reference or len(request.reference) > 64 or "|" in request.reference:
            raise RequestRefused("telephony.reference")

    def hang_up(self, reference: str) -> None:
        self._add(reference, "stop")

    def health(self) -> Health:
        try:
            return Health(True) if self._listening.taken() else Health(False, "telephony.dialer_away")
        except redis.RedisError:
            return Health(False, "telephony.down")

    # The virtual handset

    def handset(self, references: Iterable[str]) -> list[HandsetLine]:
        """The calls among ``references`` that a person has to deal with. Raises ProviderDown."""
        wanted = list(references)
        try:
            texts = self._store.mget([_key(reference) for reference in wanted]) if wanted else []
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem
        found = [line for text in texts if (line := _line(text)) is not None]
        return [_shown(line) for line in found if line.attended and line.phase != "ended"]

    def dial_in(self, *, caller: str, to: str) -> str:
        """A person calls one of our numbers (E.164; ``caller`` empty when hidden); returns the call's reference. The
        rules are asked by the dialer. Raises ProviderDown."""
        reference, now = f"i-{uuid.uuid4().hex}", clock.now()
        try:
            self._place(
                keys=[_key(reference), DUE],
                args=_storing(reference, lines.dial_in(reference, caller=caller, to=to, now=now)),
            )
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem
        return reference

    def called(self, reference: str) -> HandsetLine | None:
        """How a call of ``dial_in`` stands; None when it is unknown or long over. Raises ProviderDown."""
        try:
            text = self._store.get(_key(reference))
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem
        line = _line(text)
        return _shown(line) if line is not None and line.caller else None

    def touch(self, reference: str, what: str) -> None:
        """What the person does: ``answer``, ``reject``, ``drop`` or one key. ValueError for anything else."""
        if what in ("answer", "drop"):
            self._add(reference, what)
        elif what == "reject":
            self._add(reference, "end rejected")
        elif what in KEYS:
            self._add(reference, f"press {what}")
        else:
            raise ValueError("no such key on a handset")

    def _add(self, reference: str, name: str) -> None:
        action = lines.Action(clock.now(), name)
        try:
            self._store.zadd(DUE, {_member(reference, f"u{uuid.uuid4().hex}", action): action.at.timestamp()})
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem

    # The dialer

    def listen(self, listener: Listener, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                busy = self._listening.take() and self.step(listener) >= ROUND // 2
            except redis.RedisError as problem:
                log.warning("the store of simulated lines is away: %s", problem)
                stop.wait(1)
                continue
            if not busy:
                stop.wait(PAUSE)
        self._leave()

    def step(self, listener: Listener) -> int:
        """Carry out what is due, one round; returns how many actions were done.

        One action of each line: what it makes due comes before the line's later actions, in the next round.
        """
        now = clock.now().timestamp()
        due = self._store.zrangebyscore(DUE, "-inf", now, start=0, num=ROUND, withscores=True)
        waiting = {reference for reference, (until, _) in self._failed.items() if until > time.monotonic()}
        first: dict[str, tuple[str, float]] = {}
        for member, score in due:
            reference = member.partition("|")[0]
            if reference not in waiting:
                first.setdefault(reference, (member, score))
        texts = self._store.mget([_key(reference) for reference in first]) if first else []
        turns = []
        for reference, text in zip(first, texts, strict=True):
            try:
                turns.append(_turn(*first[reference], text, listener))
            except Exception:
                self._put_off(reference)
        for reference in self._told(turns, listener):
            self._failed.pop(reference, None)
        return self._keep([turn for turn in turns if turn.handled])

    def _told(self, turns: Sequence["_Turn"], listener: Listener) -> list[str]:
        """Tell the events of all turns at once; when that fails, each by itself, so that one bad event harms no other
        call. Returns the references of those that were heard."""
        events = [event for turn in turns for event in turn.outcome.events]
        try:
            fresh = listener.events(events) if events else ()
        except Exception:
            if len(turns) > 1:
                return [reference for turn in turns for reference in self._told([turn], listener)]
            self._put_off(turns[0].reference)
            return []
        stale = []
        for turn in turns:
            if turn.places and turn.reference not in fresh:
                turn.outcome = lines.lose(turn.outcome.line, turn.outcome.events[0].at)
                stale.append(turn)
                continue
            turn.handled = True
            if turn.places:
                log.info("dials %s", turn.reference)
        heard = [turn.reference for turn in turns if turn.handled]
        return heard + (self._told(stale, listener) if stale else [])

    def _put_off(self, reference: str) -> None:
        """The event stays due and is told again, later and later; other calls go on meanwhile."""
        wait = min(self._failed.get(reference, (0.0, 0.5))[1] * 2, LONGEST_BACK_OFF)
        self._failed[reference] = (time.monotonic() + wait, wait)
        log.exception("an event of call %s could not be handled; again in %.0f s", reference, wait)

    def _keep(self, turns: Sequence["_Turn"]) -> int:
        """Store what the turns came to, each in one transaction; returns how many."""
        if not turns:
            return 0
        with self._store.pipeline(transaction=True) as pipe:
            for turn in turns:
                line = turn.outcome.line
                if line is not _GONE:
                    life = ENDED_SECONDS if line.phase == "ended" else LINE_SECONDS
                    pipe.set(_key(line.reference), _line_json(line), ex=life)
                serial = line.token * 1000 + line.events
                for number, action in enumerate(turn.outcome.actions):
                    pipe.zadd(DUE, {_member(line.reference, f"t{serial:06}{number}", action): action.at.timestamp()})
                pipe.zrem(DUE, turn.member)
            pipe.execute()
        return len(turns)

    def _leave(self) -> None:
        try:
            self._listening.leave()
        except redis.RedisError:
            log.info("the heartbeat runs out by itself")


def _key(reference: str) -> str:
    return f"callcab:sim:line:{reference}"


def _do(line: lines.Line, action: lines.Action, listener: Listener) -> lines.Outcome:
    """Carry out one action; an incoming call goes on as the rules say, who answer the same when asked again."""
    if action.name != "incoming":
        return lines.advance(line, action)
    caller = "" if line.caller == lines.HIDDEN else line.caller
    return lines.take(line, listener.incoming(Incoming(line.reference, line.to, caller, action.at)), action.at)


def _shown(line: lines.Line) -> HandsetLine:
    return HandsetLine(
        line.reference,
        line.to,
        line.phase,
        line.digits,
        line.caller,
        line.owner,
        lines.says(line),
        line.cause,
        lines.plays_sound(line),
    )


@dataclass
class _Turn:
    """One action of one line: the member of the queue that it is, and what it comes to."""

    member: str
    outcome: lines.Outcome
    handled: bool = False

    @property
    def reference(self) -> str:
        return self.outcome.line.reference

    @property
    def places(self) -> bool:
        return any(event.kind is EventKind.PLACED for event in self.outcome.events)


def _turn(member: str, score: float, text: str | None, listener: Listener) -> _Turn:
    line = _line(text)
    if line is None:
        return _Turn(member, lines.Outcome(_GONE))
    return _Turn(member, _do(line, _action(member, score), listener))


def _placing(request: CallRequest, now: datetime) -> list[Any]:
    """What the placing script needs to know of a request."""
    return _storing(request.reference, lines.start(request, now))


def _storing(reference: str, outcome: lines.Outcome) -> list[Any]:
    arguments: list[Any] = [_line_json(outcome.line), LINE_SECONDS]
    for number, action in enumerate(outcome.actions):
        arguments += [action.at.timestamp(), _member(reference, f"{number:04}", action)]
    return arguments


def _member(reference: str, serial: str, action: lines.Action) -> str:
    return f"{reference}|{serial}|{action.name}|{'' if action.token is None else action.token}"


def _action(member: str, score: float) -> lines.Action:
    _, _, name, token = member.split("|")
    return lines.Action(datetime.fromtimestamp(score, UTC), name, int(token) if token else None)


def _line_json(line: lines.Line) -> str:
    data = {**vars(line), "scenario": encode(line.scenario), "left": encode(line.left)}
    data["answered_at"] = line.answered_at.isoformat() if line.answered_at else None
    return json.dumps(data)


def _line(text: str | None) -> lines.Line | None:
    """None when it is gone, or when another version wrote it: one such line must not hold up the others."""
    if text is None:
        return None
    try:
        data = json.loads(text)
        answered = data.pop("answered_at")
        line = lines.Line(**{**data, "scenario": decode(data["scenario"]), "left": decode(data["left"])})
        return replace(line, answered_at=datetime.fromisoformat(answered) if answered else None)
    except UNREADABLE:
        log.exception("a line can't be read and is dropped")
        return None
