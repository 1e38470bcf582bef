"""Ways of placing calls. The edge connects one at start; rules and jobs ask ``provider()``."""

from callcab.config import Settings
from callcab.providers.telephony.base import Telephony
from callcab.providers.telephony.simulator import Simulator

_provider: Telephony | None = None


def make(settings: Settings) -> Telephony:
    """The provider that the settings name."""
    if settings.redis_url is None:
        raise RuntimeError("the simulator keeps its lines in Valkey; redis_url is not set")
    return Simulator(settings.redis_url)


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
