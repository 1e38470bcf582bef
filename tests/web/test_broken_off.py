"""What a broken-off file looks like to whoever fetches it, over the web server of production."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcab.services.operation import BrokenOff
from tests.waiting import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]


def app(environ, start_response):
    """An answer that is whole, or breaks off behind its first part."""
    start_response("200 OK", [("Content-Type", "text/csv")])

    def tell() -> Iterator[bytes]:
        yield b"first;"
        if environ["PATH_INFO"] == "/broken":
            raise BrokenOff("for a test")
        yield b"last"

    return tell()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", f"{__name__}:app", "--bind", f"127.0.0.1:{port}", "--chdir", str(ROOT)]
    argv += ["--worker-class", "gthread", "--no-control-socket"]
    with (tmp_path / "log").open("w+b") as log:
        server = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            assert wait_for(lambda: _answers(port), 30)
            yield port
        finally:
            server.terminate()
            server.wait(20)
    assert "Traceback" not in (tmp_path / "log").read_text()


def _answers(port: int) -> bool:
    try:
        return fetch(port, "/whole") == b"first;last"
    except OSError:
        return False


def fetch(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_a_part_can_not_be_taken_for_the_whole_and_the_log_has_no_traceback(port: int) -> None:
    with pytest.raises(http.client.IncompleteRead):
        fetch(port, "/broken")
    assert fetch(port, "/whole") == b"first;last"
