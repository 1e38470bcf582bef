"""After a connection was made anew, and now and then: compare our calls with the line's channels."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from callcab.lib import clock
from callcab.providers.telephony.asterisk.ari import AriDown, Connection, name
from callcab.providers.telephony.asterisk.lines import Lines, Live
from callcab.providers.telephony.asterisk.trunk import LEG
from callcab.providers.telephony.base import Cause

log = logging.getLogger(__name__)


async def reconcile(lines: Lines, ari: Connection, *, adopt: bool, arriving: Collection[str]) -> None:
    """What is gone ends as lost; what nobody knows is hung up.

    adopt     also go on with calls that are up: events of theirs may have been missed
    arriving  channels that are no call yet
    Raises AriDown and Replaced.
    """
    mine = {reference for reference, live in lines.calls.items() if not live.placing}
    listed = await ari.directly("GET", "channels")
    ours = await ari.directly("GET", f"applications/{name(lines.trunk.app)}")
    if not listed.ok or not isinstance(listed.body, list):
        raise AriDown(f"the channels could not be read: status {listed.status}")
    for event in ari.queued():
        lines.heard(event)
    channels = {str(item["id"]): item for item in listed.body}
    for reference in mine & set(lines.calls):
        live = lines.calls[reference]
        if live.call.phase == "ended":
            if adopt:
                live.call.resume()
                lines.flow(live)
        elif live.channel not in channels:
            lines.give_up(reference, Cause.LOST)
        elif adopt:
            _adopt(lines, live, channels)
    listening = set(ours.body.get("channel_ids", ())) if isinstance(ours.body, dict) else set()
    named = {channel for channel in channels if lines.trunk.reference(channel) is not None}
    await _hang_up(lines, ari, (named | listening) - set(arriving))


def _adopt(lines: Lines, live: Live, channels: Mapping[str, Mapping[str, Any]]) -> None:
    call, state = live.call, channels[live.channel].get("state")
    leg = channels.get(live.own + LEG)
    if call.phase in ("joining", "joined") and not call.stopped:
        if leg is None:
            call.parted(Cause.CONGESTION)
        elif leg.get("state") == "Up" and call.phase == "joining":
            lines.spawn(lines.join(live))
    elif state == "Up" and call.answered_at is None:
        call.answered(clock.now())
    elif state == "Ringing":
        call.rings(clock.now())
    else:
        call.resume()
    if call.answered_at is not None:
        lines.arm(live, call.longest_seconds - (clock.now() - call.answered_at).total_seconds())
    lines.flow(live)


async def _hang_up(lines: Lines, ari: Connection, channels: Iterable[str]) -> None:
    known = {live.channel for live in lines.calls.values()} | {live.own + LEG for live in lines.calls.values()}
    for channel in channels:
        if channel not in known:
            log.warning("a call that nobody knows is hung up: %s", channel)
            await ari.request("DELETE", f"channels/{name(channel)}")
