"""Calls through Asterisk (``provider``), and what another line has in common with it (``Dialled``, ``Connection``)."""

from callcab.providers.telephony.asterisk.ari import AriDown, Connection, Reply
from callcab.providers.telephony.asterisk.provider import Access, Asterisk, Dialled, Sounds
from callcab.providers.telephony.asterisk.trunk import Trunk

__all__ = ["Access", "AriDown", "Asterisk", "Connection", "Dialled", "Reply", "Sounds", "Trunk"]
