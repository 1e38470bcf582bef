"""Browsers by name."""

import pytest

from callcab.lib.user_agent import short_name

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome, Linux"),
        (f"{CHROME} Edg/140.0", "Edge, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("python-requests/2.32 extra words", "python-requests/2.32"),
        ("x" * 500, "x" * 40),
        ("a\x00b", "ab"),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_two_words(agent: str, name: str) -> None:
    assert short_name(agent) == name
