"""Streams that tell a page to look again: what they say, to whom, how long, and how many at once."""

import threading

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Verification, VerificationState
from callcab.scope import Scope
from callcab.services import verification
from callcab.web import live
from tests.client import Browser
from tests.people import People

SYSTEM = Scope.system("test")


@pytest.fixture
def number_id(people: People) -> int:
    """A number of Olga's whose call is queued."""
    olga = people.olga
    olga.get("/cabinet/numbers/new/")
    olga.post("/cabinet/numbers/new/", phone="8 925 394-45-77")
    with unit_of_work(SYSTEM) as session:
        return int(session.scalars(sa.select(Verification.number_id)).one() or 0)


def listen(browser: Browser, number_id: int) -> str:
    answer = browser.client.get(
        f"/cabinet/numbers/live/?id={number_id}",
        environ_overrides=browser.environ,
        headers={"Accept-Encoding": "gzip, zstd"},
    )
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    # Packed, an event would wait for the next ones.
    assert answer.content_encoding is None
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data(as_text=True)


def move(state: VerificationState) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Verification).values(state=state))


def test_a_change_is_told_while_the_stream_is_open(
    people: People, number_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SECONDS", 1.5)
    change = threading.Timer(0.6, move, [VerificationState.RINGING])
    change.start()
    said = listen(people.olga, number_id)
    change.join()
    assert said.count("event: change") == 2
    assert "event: end" not in said


def test_a_stream_of_what_is_over_ends_at_once(people: People, number_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        verification.fail_unavailable(session, session.scalars(sa.select(Verification.id)).one())
    assert listen(people.olga, number_id).endswith("event: change\ndata: \n\nevent: end\ndata: \n\n")


def test_a_stranger_is_told_that_there_is_nothing(people: People, number_id: int) -> None:
    people.stranger.get(f"/cabinet/numbers/live/?id={number_id}", status=404)


def test_a_stream_ends_by_itself_long_before_half_a_minute(people: People, number_id: int) -> None:
    assert live.SECONDS <= 15


def test_whoever_comes_when_half_of_the_threads_are_taken_is_sent_away_and_places_come_free(
    people: People, number_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    olga = people.olga
    monkeypatch.setattr(live, "SECONDS", 0.1)
    path = f"/cabinet/numbers/live/?id={number_id}"
    places = people.app.config["SETTINGS"].web_threads // 2
    open_ones = [olga.client.get(path, environ_overrides=olga.environ, buffered=False) for _ in range(places)]
    assert olga.client.get(path, environ_overrides=olga.environ).status_code == 204
    for answer in open_ones:
        answer.close()
    assert olga.client.get(path, environ_overrides=olga.environ).status_code == 200
