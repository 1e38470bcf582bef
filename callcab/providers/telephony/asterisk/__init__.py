"""Calls through Asterisk (``provider``)."""

from callcab.providers.telephony.asterisk.lines import Trunk
from callcab.providers.telephony.asterisk.provider import Access, Asterisk, Sounds

__all__ = ["Access", "Asterisk", "Sounds", "Trunk"]
