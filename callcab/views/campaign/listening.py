"""Hearing the message of a campaign in the browser, before anybody is called."""

from collections.abc import Callable
from typing import Any

from flask import Response
from markupsafe import Markup

from callcab.models import Campaign
from callcab.services.campaign import listening
from callcab.views.audio_recording import player
from callcab.web import errors
from callcab.web.access import current_customer_id
from callcab.web.language import gettext as _
from callcab.web.limits import limiter

# Each is a program that speaks for a second or two.
ALLOWED = "20 per minute"


def spoken(make: Callable[[], bytes], who: Any) -> Response:
    """The answer with a sound that ``make`` makes; 429 for who asks too often."""
    with limiter.limit(ALLOWED, key_func=lambda: f"listen:{current_customer_id()}:{who}"):
        return Response(make(), mimetype="audio/wav", headers={"Cache-Control": "private, no-store"})


def message_player(row: Campaign, url: str) -> Markup:
    """A player for the campaign's message, or why there can be none."""
    if row.recording is None and not listening.has_voice():
        return Markup("<p>{}</p>").format(errors.TEXTS["campaign.no_voice"])
    return player(f"{url}/listen/?id={row.id}", _("Прослушать: %(name)s", name=row.name))
