"""Where `callcab up` says that it is."""

import pytest

from callcab.cli.up import addressed
from callcab.config import Settings


@pytest.mark.parametrize(
    ("settings", "port", "address"),
    [
        (Settings(), None, "http://127.0.0.1:8000"),
        (Settings(), 8099, "http://127.0.0.1:8099"),
        (Settings(port=8099), None, "http://127.0.0.1:8099"),
        (Settings(host="0.0.0.0", port=8099), None, "http://127.0.0.1:8099"),
        (Settings(host="192.0.2.7"), None, "http://192.0.2.7:8000"),
    ],
)
def test_the_address_follows_the_port_whoever_names_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, port: int | None, address: str
) -> None:
    monkeypatch.delenv("CALLCAB_BASE_URL", raising=False)
    found = addressed(settings, port)
    assert (found.base_url, found.port) == (address, port or settings.port)


def test_an_address_that_the_environment_names_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCAB_BASE_URL", "https://cab.example")
    assert addressed(Settings(base_url="https://cab.example"), 8099).base_url == "https://cab.example"
