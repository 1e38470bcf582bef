"""Recordings that campaigns play: taken in from files of people, chosen, deleted when nothing plays them."""

import io
import math
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import audio, sound
from callcab.lib.audio import AudioError
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import AudioRecording, Campaign, StoredFile
from callcab.scope import Actor
from callcab.services import audit, stored_file
from callcab.services.lock import take_turn
from callcab.services.pricing import LONGEST_SECONDS

LARGEST = 10 * 1024 * 1024
MOST = 200
LONGEST_NAME = 120
_BLOCK = 1 << 16
_NAMES_SHOWN = 3


def read(stream: BinaryIO) -> bytes:
    """An uploaded file as a telephone's WAV. Takes about a second; needs no session, so that none is held meanwhile.

    raises  Invalid with the field ``file``: ``audio_recording.too_large``, ``.not_audio``, ``.too_long``, ``.silent``,
            ``.too_short``; Unavailable("file.no_room")
    """
    with NamedTemporaryFile(dir=stored_file.drafts_folder()) as draft:
        while block := stream.read(_BLOCK):
            if draft.tell() + len(block) > LARGEST:
                raise Invalid("audio_recording.too_large", field="file", limit=LARGEST >> 20)
            draft.write(block)
        draft.flush()
        try:
            return audio.to_telephone(Path(draft.name), longest=LONGEST_SECONDS)
        except AudioError as problem:
            code = f"audio_recording.{problem.reason}"
            raise Invalid(code, field="file", minutes=LONGEST_SECONDS // 60) from problem


def add(
    session: CabSession, data: bytes, *, name: str, file_name: str, customer_id: int, actor: Actor
) -> AudioRecording:
    """Keep what ``read`` made; ``file_name`` names it when ``name`` is empty. Flushed, audited.

    raises  Invalid with the field ``name``, LimitReached("audio_recording.full"), Unavailable("file.no_room")
    """
    called = _clean(name) or _clean(Path(stored_file.clean_name(file_name)).stem)[:LONGEST_NAME]
    if len(called) > LONGEST_NAME:
        raise Invalid("field.too_long", field="name", limit=LONGEST_NAME)
    take_turn(session, "audio_recording", customer_id)
    kept = sa.select(sa.func.count()).select_from(AudioRecording).where(AudioRecording.customer_id == customer_id)
    if (session.scalar(kept) or 0) >= MOST:
        raise LimitReached("audio_recording.full", limit=MOST)
    file = stored_file.upload(
        session,
        io.BytesIO(data),
        name=f"{called}.wav",
        content_type="audio/wav",
        customer_id=customer_id,
        created_by=actor.user_id,
        lifetime=None,
    )
    row = AudioRecording(
        customer_id=customer_id,
        name=called,
        file_id=file.id,
        seconds=math.ceil(sound.seconds(data)),
        author_id=actor.user_id,
        author_name=actor.name,
    )
    session.add(row)
    session.flush()
    _note(session, "audio_recording.upload", row, actor, after={"name": row.name, "seconds": row.seconds})
    return row


def get(session: CabSession, recording_id: int, *, customer_id: int | None) -> AudioRecording:
    """A recording of the customer (of anybody, for support). NotFound("audio_recording.not_found")."""
    return _get(session, recording_id, customer_id)


def choose(session: CabSession, recording_id: int, *, customer_id: int) -> AudioRecording:
    """A recording for a campaign, which nobody can delete before this transaction ends.

    Raises Invalid("audio_recording.not_found", field ``recording_id``).
    """
    try:
        return _get(session, recording_id, customer_id, read=True, key_share=True)
    except NotFound as problem:
        raise Invalid(problem.code, field="recording_id") from problem


def delete(session: CabSession, recording_id: int, *, customer_id: int, actor: Actor) -> None:
    """Remove a recording and its file. Flushed, audited. NotFound, Conflict("audio_recording.in_use")."""
    row = _get(session, recording_id, customer_id, read=False)
    used = session.scalars(
        sa.select(Campaign.name)
        .where(Campaign.recording_id == row.id)
        .order_by(Campaign.test_of.is_not(None), Campaign.id.desc())
        .limit(_NAMES_SHOWN)
    ).all()
    if used:
        raise Conflict("audio_recording.in_use", name=row.name, campaigns=", ".join(f"«{name}»" for name in used))
    file = session.get_one(StoredFile, row.file_id)
    _note(session, "audio_recording.delete", row, actor, before={"name": row.name, "seconds": row.seconds})
    session.delete(row)
    session.flush()
    session.delete(file)
    session.after_commit(partial(stored_file.forget, file.key))
    session.flush()


def _get(session: CabSession, recording_id: int, customer_id: int | None, **lock: bool) -> AudioRecording:
    statement = sa.select(AudioRecording).where(AudioRecording.id == recording_id)
    if customer_id is not None:
        statement = statement.where(AudioRecording.customer_id == customer_id)
    if lock:
        statement = statement.with_for_update(of=AudioRecording, **lock).execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NotFound("audio_recording.not_found")
    return found


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def _note(
    session: CabSession,
    action: str,
    row: AudioRecording,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=row.customer_id,
        object_type="audio_recording",
        object_id=row.id,
        before=before,
        after=after,
    )
