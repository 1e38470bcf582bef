"""A real SIP callee, a real Asterisk or an account without one, and a dialer that listens. Skipped with a sentence
where they can't be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from callcab.config import Settings
from tests.telephony.lines import Callee, Line, Way, listening, provider, through_asterisk
from tests.telephony.server import AsteriskServer, NoAsterisk, fetch

NO_WHEEL = "there is no wheel of baresip-python for this machine: nobody could be called"


def suite_or_skip(*suites: str) -> Path:
    try:
        return fetch(*suites)
    except NoAsterisk as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def callee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callee]:
    pytest.importorskip("baresip", reason=NO_WHEEL)
    found = Callee(tmp_path_factory.mktemp("callee"))
    yield found
    found.stop()


@pytest.fixture(scope="session")
def pbx(callee: Callee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    """The newest Asterisk that can be had."""
    yield from started(suite_or_skip(), callee, tmp_path_factory)


@pytest.fixture(scope="session")
def old_pbx(callee: Callee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    """The oldest Asterisk that we promise to work with."""
    yield from started(suite_or_skip("bullseye"), callee, tmp_path_factory)


def started(unpacked: Path, callee: Callee, folders: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    server = AsteriskServer(unpacked, folders.mktemp(unpacked.name), callee.port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def account(callee: Callee, tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Our account at the operator, who is the callee's gate."""
    ours = pytest.importorskip("tests.telephony.account", reason=NO_WHEEL)
    way: Way = ours.through_account(callee, tmp_path_factory.mktemp("sounds"))
    return way


@pytest.fixture(params=["asterisk", "sip"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each kind of line that rings real telephones."""
    if request.param == "sip":
        return request.getfixturevalue("account")
    return through_asterisk(request.getfixturevalue("pbx"))


@pytest.fixture
def any_line(settings: Settings, store: redis.Redis, way: Way) -> Iterator[Line]:
    yield from listening(way.provider(settings))


@pytest.fixture
def store(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        client.flushall()
        yield client
        client.flushall()


@pytest.fixture
def line(settings: Settings, store: redis.Redis, pbx: AsteriskServer) -> Iterator[Line]:
    """A dialer that listens to the newest Asterisk, healthy."""
    yield from listening(provider(settings, pbx))


@pytest.fixture
def old_line(settings: Settings, store: redis.Redis, old_pbx: AsteriskServer) -> Iterator[Line]:
    yield from listening(provider(settings, old_pbx))
