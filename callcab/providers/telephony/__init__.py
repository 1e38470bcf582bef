"""Ways of placing calls. The edge connects one at start; rules and jobs ask ``provider()``."""

import importlib
from typing import Any

from callcab.config import Settings
from callcab.providers import speech
from callcab.providers.telephony.asterisk import Access, Asterisk, Sounds, Trunk
from callcab.providers.telephony.base import Telephony
from callcab.providers.telephony.simulator import Simulator

_provider: Telephony | None = None


def make(settings: Settings) -> Telephony:
    """The provider that the settings name."""
    if settings.redis_url is None:
        raise RuntimeError("every provider keeps its calls in Valkey; redis_url is not set")
    if settings.telephony == "asterisk":
        return _asterisk(settings, settings.redis_url)
    if settings.telephony == "sip":
        return _sip(settings, settings.redis_url)
    return Simulator(settings.redis_url)


def _asterisk(settings: Settings, redis_url: str) -> Asterisk:
    return Asterisk(
        redis_url,
        Access(settings.ari_url, settings.ari_user, str(settings.ari_password)),
        Trunk(settings.ari_app, str(settings.ari_endpoint), settings.ari_machine_context or ""),
        _sounds(settings),
    )


def _sip(settings: Settings, redis_url: str) -> Telephony:
    # An extra: only who chose it has its package, and only he waits for it.
    sip: Any = importlib.import_module(f"{__name__}.sip")
    user, _, host = str(settings.sip_account).removeprefix("sip:").partition("@")
    account = sip.SipAccount(
        user,
        host,
        settings.sip_password or "",
        number=settings.sip_number,
        register=settings.sip_register,
        listen=settings.sip_listen or "",
    )
    made: Telephony = sip.Sip(redis_url, account, _sounds(settings))
    return made


def _sounds(settings: Settings) -> Sounds:
    folder = settings.sounds_dir
    return Sounds(speech.make(settings.speech), folder, settings.ari_sounds_seen_as or str(folder))


def connect(settings: Settings) -> Telephony:
    """Make the process-wide provider; opens no connection before the first use."""
    return use(make(settings))


def use(provider: Telephony) -> Telephony:
    """Set the process-wide provider; for ``connect`` and for tests."""
    global _provider
    _provider = provider
    return provider


def provider() -> Telephony:
    """The process-wide provider; RuntimeError before ``connect``."""
    if _provider is None:
        raise RuntimeError("no telephony provider is connected; call connect() first")
    return _provider
