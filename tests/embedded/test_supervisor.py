"""The supervisor, with small children and real signals."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.embedded.conftest import Program, alive, eventually

# Each child writes its process number, so that a test knows whom to kill and who came back.
HEAD = """
import sys
from pathlib import Path
from callcab.embedded.children import ChildSpec, Command
from callcab.embedded.supervisor import serve

NOTE = "import os, time; open('{name}.pid', 'a').write(f'{{os.getpid()}}\\\\n')"
SLEEPER = NOTE + "; print('hello', flush=True); time.sleep(600)"

def child(name, source=SLEEPER, **more):
    return ChildSpec(name, Command((sys.executable, "-c", source.format(name=name))), **more)

def run(*specs):
    sys.exit(serve(specs, Path("up.lock"), print, address="http://127.0.0.1:8000", on_ready=lambda: print("ALL READY")))
"""

Start = Callable[[str], Program]


def pids(folder: Path, name: str) -> list[int]:
    file = folder / f"{name}.pid"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_children_start_in_order_and_their_lines_carry_their_names(program: Start) -> None:
    up = program(HEAD + "run(child('first', 'print(1)', one_shot=True), child('second'))")

    assert up.says("ALL READY")
    assert up.says("second | hello")
    assert up.text.index("first  | 1") < up.text.index("second | hello")


def test_interrupt_stops_every_child_and_ends_with_success(program: Start, tmp_path: Path) -> None:
    up = program(HEAD + "run(child('a'), child('b'))")
    assert up.says("hello", times=2)

    code = up.stop()

    assert code == 0
    assert not any(alive(pid) for name in "ab" for pid in pids(tmp_path, name))


def test_child_that_ignores_the_request_to_end_is_killed_after_its_limit(program: Start, tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    up = program(HEAD + f"run(child('deaf', {deaf!r} + SLEEPER, stop_signals=((15, 0.3),)))")
    assert up.says("hello")

    code = up.stop()

    assert code == 0
    assert "does not end, killing it" in up.text
    assert not alive(pids(tmp_path, "deaf")[0])


def test_second_interrupt_does_not_wait_for_a_slow_child(program: Start, tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
    loop = "\nwhile True: time.sleep(600)"
    up = program(HEAD + f"run(child('deaf', {deaf!r} + SLEEPER + {loop!r}, stop_signals=((15, 600),)))")
    assert up.says("hello")
    up.process.send_signal(signal.SIGINT)
    assert up.says("asked")

    code = up.stop()

    assert code == 0
    assert not alive(pids(tmp_path, "deaf")[0])


def test_killed_child_comes_back_while_the_others_go_on(program: Start, tmp_path: Path) -> None:
    up = program(HEAD + "run(child('a'), child('b'))")
    assert up.says("hello", times=2)
    (first,), (other,) = pids(tmp_path, "a"), pids(tmp_path, "b")

    os.kill(first, signal.SIGKILL)

    assert eventually(lambda: len(pids(tmp_path, "a")) == 2)
    assert up.says("ended (signal 9), starting again")
    assert alive(pids(tmp_path, "a")[1])
    assert alive(other)
    assert pids(tmp_path, "b") == [other]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs the process list of Linux")
def test_what_a_killed_child_had_forked_ends_with_it(program: Start, tmp_path: Path) -> None:
    note = "open('fork.pid', 'w').write(str(os.getpid()))"
    forks = f"import os, time\nif os.fork() == 0: os.setpgrp(); {note}; time.sleep(600)\n"
    up = program(HEAD + f"run(child('a', {forks!r} + SLEEPER))")
    assert up.says("hello")
    assert eventually(lambda: pids(tmp_path, "fork"))
    (forked,) = pids(tmp_path, "fork")

    os.kill(pids(tmp_path, "a")[0], signal.SIGKILL)

    assert eventually(lambda: not alive(forked))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux ends children with their parent")
def test_killed_supervisor_leaves_no_child_and_the_next_start_is_clean(program: Start, tmp_path: Path) -> None:
    up = program(HEAD + "run(child('a'), child('b'))")
    assert up.says("hello", times=2)
    before = pids(tmp_path, "a") + pids(tmp_path, "b")

    up.process.kill()
    up.process.wait()

    assert eventually(lambda: not any(alive(pid) for pid in before))
    again = program(HEAD + "run(child('a'), child('b'))")
    assert again.says("ALL READY")
    assert again.stop() == 0


def test_second_start_on_the_same_data_names_the_address_and_is_refused(program: Start) -> None:
    assert program(HEAD + "run(child('a'))").says("ALL READY")

    second = program(HEAD + "run(child('b'))")

    assert second.process.wait(15) == 1
    assert len(second.text.splitlines()) == 1
    assert "http://127.0.0.1:8000" in second.text


def test_failed_step_ends_the_start_and_what_already_ran(program: Start, tmp_path: Path) -> None:
    step = "import sys; print('no such table'); sys.exit(3)"
    up = program(HEAD + f"run(child('a'), child('migrate', {step!r}, one_shot=True), child('never'))")

    assert up.process.wait(15) == 1
    assert "migrate | no such table" in up.text
    assert "migrate cannot be started" in up.text
    assert not alive(pids(tmp_path, "a")[0])
    assert pids(tmp_path, "never") == []


def test_server_that_never_gets_ready_is_given_up_at_start(program: Start) -> None:
    broken = "import sys; sys.exit(1)"
    up = program(HEAD + f"run(child('web', {broken!r}, is_ready=lambda: False))")

    assert up.process.wait(15) == 1
    assert up.text.count("ended (exit code 1)") == 3


def test_closed_output_stops_the_supervisor_in_good_order(program: Start, tmp_path: Path) -> None:
    closing = HEAD + "import os\nread, write = os.pipe(); os.close(read); os.dup2(write, 1)\nrun(child('a'))"
    up = program(closing)

    assert up.process.wait(15) in (0, 120)  # 120: Python itself could not flush its output
    assert not any(alive(pid) for pid in pids(tmp_path, "a"))
