"""Starts children in order, restarts what dies, stops all in reverse order.

It has one thread on purpose: the kernel ties a child's life to the thread that started it.
"""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import IO, Any

from callcab.embedded.children import ChildSpec, has_ended, reap, spawn
from callcab.embedded.errors import EmbeddedError
from callcab.embedded.folders import lock_file

Log = Callable[[str], None]

# A restart at once when the child had lived; slower and slower when it dies again and again.
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 30.0
# While starting up, a child that never became ready gets this many tries: the cause is the set-up, not bad luck.
START_TRIES = 3
BUSY_GLANCE_S = 0.05
IDLE_GLANCE_S = 1.0
READ_SIZE = 65536
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class State(Enum):
    """Where a child is; WAITING also covers the pause before a restart."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"


class StartFailed(Exception):
    """The first start cannot be completed; what happened is already in the log."""


class Child:
    """A spec with its present process, and the unfinished line of its output."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.ask_at = 0.0
        self.delay = FIRST_DELAY_S
        self.failures = 0
        self.rest = b""

    @property
    def output(self) -> IO[bytes] | None:
        """The reading end of the child's output."""
        return self.process.stdout if self.process else None

    def put_off(self, now: float) -> None:
        """Plan the next start, later each time until the child has lived for a while."""
        self.delay = FIRST_DELAY_S if now - self.started_at > HEALTHY_AFTER_S else min(self.delay * 2, LONGEST_DELAY_S)
        self.start_at = now + self.delay
        self.state = State.WAITING


class Supervisor:
    """Keeps children running until a signal comes. run() returns the exit code."""

    def __init__(self, specs: Sequence[ChildSpec], log: Log, on_ready: Callable[[], None] | None = None) -> None:
        self.children = [Child(spec) for spec in specs]
        self._log_line = log
        self._on_ready = on_ready
        self._selector = selectors.DefaultSelector()
        self._width = max((len(spec.name) for spec in specs), default=0)
        self._signals = 0
        self._muted = False

    def run(self) -> int:
        """Start all, call on_ready once, watch; stop all on every way out. 0 after a signal, 1 after a failed start."""
        with ExitStack() as stack:
            stack.enter_context(self._catching_signals())
            stack.callback(self._selector.close)
            try:
                self._start_all()
                if not self._signals and self._on_ready is not None:
                    self._on_ready()
                while not self._signals:
                    self._turn(self.children)
            except StartFailed:
                return 1
            except EmbeddedError as error:
                self._log("up", str(error))
                return 1
            finally:
                self._stop_all()
        return 0

    # Starting and watching

    def _start_all(self) -> None:
        for position, child in enumerate(self.children):
            while child.state not in (State.READY, State.DONE) and not self._signals:
                self._turn(self.children[: position + 1], newest=child)
            if self._signals:
                return

    def _turn(self, children: Sequence[Child], newest: Child | None = None) -> None:
        """Look at each child once; `newest` is the one whose failure ends the first start."""
        for child in children:
            try:
                self._look_at(child)
            except EmbeddedError as error:
                if child is newest:
                    raise
                self._log(child.spec.name, str(error))
                self._give_up_this_start(child)
            if child is newest and child.failures >= (1 if child.spec.one_shot else START_TRIES):
                self._log("up", f"{child.spec.name} cannot be started, see above.")
                raise StartFailed
        # During the first start the next child waits for this turn to end, so it is a short one.
        busy = newest is not None or any(child.state in (State.WAITING, State.STARTING) for child in children)
        self._pump(BUSY_GLANCE_S if busy else IDLE_GLANCE_S)

    def _look_at(self, child: Child) -> None:
        now = time.monotonic()
        if child.state is State.WAITING:
            if now >= child.start_at:
                self._start(child)
        elif child.state is not State.DONE and child.process is not None:
            if has_ended(child.process):
                self._ended(child, now)
            elif child.state is State.STARTING:
                self._check_ready(child, now)

    def _start(self, child: Child) -> None:
        spec = child.spec
        command = spec.command() if callable(spec.command) else spec.command
        child.started_at = time.monotonic()
        try:
            child.process = spawn(command, subprocess.PIPE)
        except OSError as error:
            raise EmbeddedError(
                "child_not_started", f"{spec.name} cannot be started: {error}", child=spec.name
            ) from error
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        child.state = State.STARTING

    def _check_ready(self, child: Child, now: float) -> None:
        spec = child.spec
        if now < child.ask_at:
            return  # each refused question is a line in PostgreSQL's log, and each line wakes us
        child.ask_at = now + BUSY_GLANCE_S
        if not spec.one_shot and (spec.is_ready is None or spec.is_ready()):
            if spec.after_ready is not None:
                spec.after_ready()
            child.state = State.READY
            child.failures = 0
        elif now - child.started_at > spec.ready_limit and child.process is not None:
            self._log(spec.name, f"not ready after {spec.ready_limit:.0f} s, ending it")
            child.process.kill()

    def _give_up_this_start(self, child: Child) -> None:
        if child.process is not None:
            child.process.kill()  # the next look finds it ended
        else:
            child.started_at = time.monotonic()
            child.put_off(child.started_at)

    def _ended(self, child: Child, now: float) -> None:
        code = self._collect(child)
        if child.spec.one_shot and code == 0:
            child.state = State.DONE
            return
        if child.state is State.STARTING:
            child.failures += 1
        child.put_off(now)
        self._log(child.spec.name, f"ended ({_in_words(code)}), starting again in {child.delay:.1f} s")

    def _collect(self, child: Child) -> int:
        """Reap a process that has ended, with all that it left behind, and the last words in its pipe."""
        if child.process is None:
            return 0
        code = reap(child.process)
        if child.output is not None:
            while self._read(child):
                pass
            self._unregister(child.output)
            child.output.close()
        if child.rest:
            self._log(child.spec.name, _text(child.rest))
            child.rest = b""
        child.process = None
        return code

    # Output

    def _pump(self, seconds: float) -> None:
        """Pass on what the children say, and wait for it, or for a signal, at most `seconds`."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Child):
                self._read(key.data)
            else:
                with suppress(BlockingIOError):
                    os.read(key.fd, READ_SIZE)

    def _read(self, child: Child) -> bool:
        """Log the lines that are there; returns whether anything was."""
        output = child.output
        if output is None:
            return False
        try:
            chunk = os.read(output.fileno(), READ_SIZE)
        except BlockingIOError:
            return False
        if not chunk:
            self._unregister(output)
            return False
        *lines, child.rest = (child.rest + chunk).split(b"\n")
        if len(child.rest) > READ_SIZE:
            lines, child.rest = [*lines, child.rest], b""
        for line in lines:
            self._log(child.spec.name, _text(line))
        return True

    def _unregister(self, output: IO[bytes]) -> None:
        with suppress(KeyError):
            self._selector.unregister(output)

    def _log(self, name: str, line: str) -> None:
        if self._muted:
            return
        try:
            self._log_line(f"{name:<{self._width}} | {line}")
        except OSError:
            # Nobody reads us any more (`up | head`): stop in good order.
            self._muted = True
            self._signals = self._signals or 1

    # Stopping

    def _stop_all(self) -> None:
        patience = self._signals  # a second Ctrl-C means: now
        for child in reversed(self.children):
            self._stop(child, patience)

    def _stop(self, child: Child, patience: int) -> None:
        process = child.process
        if process is None:
            return
        for sig, seconds in child.spec.stop_signals:
            if has_ended(process) or self._signals > patience:
                break
            process.send_signal(sig)
            deadline = time.monotonic() + seconds
            while not has_ended(process) and time.monotonic() < deadline and self._signals == patience:
                self._pump(BUSY_GLANCE_S)
        if not has_ended(process):
            self._log(child.spec.name, "does not end, killing it")
            process.kill()
        while not has_ended(process):
            self._pump(BUSY_GLANCE_S)
        self._collect(child)

    @contextmanager
    def _catching_signals(self) -> Iterator[None]:
        """Count signals that ask to stop; every signal, a child's end too, interrupts the wait in _pump()."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ, None)
        # Under nohup the hang-up stays ignored.
        wanted = [n for n in STOPPING_SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
        before: dict[int, Any] = {number: signal.signal(number, self._on_signal) for number in wanted}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        old_wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def serve(
    specs: Sequence[ChildSpec],
    lock_path: Path,
    log: Log,
    *,
    address: str = "",
    on_ready: Callable[[], None] | None = None,
    describe: Callable[[EmbeddedError], str] = str,
) -> int:
    """Run the children until Ctrl-C or SIGTERM; returns the exit code.

    lock_path   held while we live; a second call on it logs one sentence with the first one's `address`, returns 1
    on_ready    called once, when all are ready
    describe    turns an error (code `already_running`, params address and pid) into the sentence to log
    """
    lock = lock_file(lock_path)
    if lock is None:
        log(describe(_already_running(lock_path)))
        return 1
    try:
        os.ftruncate(lock, 0)
        os.write(lock, json.dumps({"pid": os.getpid(), "address": address}).encode())
        return Supervisor(specs, log, on_ready).run()
    finally:
        os.ftruncate(lock, 0)
        os.close(lock)


def _already_running(lock_path: Path) -> EmbeddedError:
    try:
        owner = json.loads(lock_path.read_text())
    except ValueError:
        owner = {}
    address, pid = owner.get("address") or "-", owner.get("pid") or "-"
    sentence = f"callcab already runs on the data in {lock_path.parent}: {address} (process {pid})."
    return EmbeddedError("already_running", sentence, address=address, pid=pid, folder=str(lock_path.parent))


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")


def _in_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
