"""A recording is deleted in the very moment in which a campaign chooses it: one of the two is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import DomainError
from callcab.lib.storage import LocalStorage
from callcab.models import AudioRecording, Campaign, Purpose
from callcab.services import audio_recording, stored_file
from callcab.services import campaign as campaigns
from tests import factories, sounds
from tests.services.dialling import FIRST, OLGA, SYSTEM

pytestmark = pytest.mark.usefixtures("connected")
ROUNDS = 8


def test_a_campaign_never_plays_a_recording_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))
    data = audio_recording.read(BytesIO(sounds.tone()))
    with unit_of_work(SYSTEM) as session:
        owner_id = factories.customer(session).id
    for _ in range(ROUNDS):
        with unit_of_work(SYSTEM) as session:
            recording_id = audio_recording.add(
                session, data, name="Акция", file_name="", customer_id=owner_id, actor=OLGA
            ).id
        refusals = _both(owner_id, recording_id)
        with unit_of_work(SYSTEM) as session:
            kept = session.get(AudioRecording, recording_id)
            playing = session.scalars(sa.select(Campaign).where(Campaign.recording_id == recording_id)).all()
        expected = ["audio_recording.in_use"] if playing else ["audio_recording.not_found"]
        assert (refusals, kept is None) == (expected, not playing)


def _both(owner_id: int, recording_id: int) -> list[str]:
    """Delete and choose at once; the codes of what was refused."""
    barrier = threading.Barrier(2)
    draft = campaigns.Draft("Обзвон", Purpose.INFORMATION, recording_id=recording_id, contacts=str(FIRST))

    def act(choose: bool) -> Any:
        try:
            with unit_of_work(SYSTEM) as session:
                session.execute(sa.text("SELECT 1"))
                barrier.wait(30)
                if choose:
                    campaigns.create(session, draft, customer_id=owner_id, actor=OLGA)
                else:
                    audio_recording.delete(session, recording_id, customer_id=owner_id, actor=OLGA)
        except DomainError as problem:
            return problem.code
        return None

    with ThreadPoolExecutor(2) as pool:
        return [code for code in pool.map(act, (True, False)) if code]
