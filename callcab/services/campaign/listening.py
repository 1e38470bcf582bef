"""What callees will hear, for whoever draws a campaign up: its recording, or its text in the robot's voice."""

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import sound
from callcab.lib.errors import Invalid, NotFound, Unavailable
from callcab.models import Campaign, Contact
from callcab.providers.speech import NoSpeech, Speech, SpeechUnavailable
from callcab.providers.telephony.base import Play
from callcab.services import prompt
from callcab.services.call.scenario import message_of
from callcab.services.ivr_rule import LONGEST_PROMPT

_voice: list[Speech] = [NoSpeech()]


def use(speech: Speech) -> None:
    """Name the voice; called once by each process at its start."""
    _voice[0] = speech


def has_voice() -> bool:
    """Whether a text can be spoken at all."""
    return _voice[0].name != NoSpeech.name


def message(session: CabSession, campaign: Campaign) -> bytes:
    """The campaign's message as one of its contacts hears it: a WAV file. Reads only, and takes up to a few seconds.

    raises  Unavailable("campaign.no_voice"), NotFound("file.gone")
    """
    play = message_of(campaign)
    if play.sound:
        try:
            return Path(play.sound).read_bytes()
        except FileNotFoundError as problem:
            raise NotFound("file.gone") from problem
    return _spoken(play, variables_of_one(session, campaign.id))


def variables_of_one(session: CabSession, campaign_id: int) -> dict[str, str]:
    """Those of the contact with the least number, the first in the index of a campaign; empty when there is none.

    In the order of ids the database might look for one through all contacts of older campaigns.
    """
    one = sa.select(Contact.variables).where(Contact.campaign_id == campaign_id).order_by(Contact.phone).limit(1)
    return session.scalar(one) or {}


def text(words: str) -> bytes:
    """A text that is not kept yet, without the values of its variables; as ``message``.

    Raises Invalid with the field ``prompt`` too.
    """
    if not words.strip():
        raise Invalid("field.required", field="prompt")
    if len(words) > LONGEST_PROMPT:
        raise Invalid("field.too_long", field="prompt", limit=LONGEST_PROMPT)
    return _spoken(Play(words), {})


def _spoken(play: Play, variables: Mapping[str, object]) -> bytes:
    """Piece by piece, as the dialer has it spoken."""
    pieces = [step for step in prompt.spoken((play,), variables) if isinstance(step, Play)]
    try:
        return sound.joined([_voice[0].render(piece.text) for piece in pieces])
    except SpeechUnavailable as problem:
        raise Unavailable("campaign.no_voice") from problem
