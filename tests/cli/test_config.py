"""The address that links lead to, as settings are read."""

import pytest

from callcab import config


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"CALLCAB_PORT": "8099"}, "http://127.0.0.1:8099"),
        ({"CALLCAB_HOST": "0.0.0.0", "CALLCAB_PORT": "8099"}, "http://127.0.0.1:8099"),
        ({"CALLCAB_HOST": "::"}, "http://127.0.0.1:8000"),
        ({"CALLCAB_HOST": "192.0.2.7"}, "http://192.0.2.7:8000"),
        ({"CALLCAB_BASE_URL": "https://cab.example", "CALLCAB_PORT": "8099"}, "https://cab.example"),
    ],
)
def test_the_address_follows_host_and_port_unless_it_is_named(environ: dict[str, str], address: str) -> None:
    assert config.load(environ).base_url == address
