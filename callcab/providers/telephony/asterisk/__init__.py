"""Calls through Asterisk (``provider``)."""

from callcab.providers.telephony.asterisk.provider import Access, Asterisk, Sounds
from callcab.providers.telephony.asterisk.trunk import Trunk

__all__ = ["Access", "Asterisk", "Sounds", "Trunk"]
