"""What the sip provider needs to be told, and what it says at start when it isn't."""

import importlib.util

import pytest

from callcab.config import ConfigError, load
from callcab.providers import telephony

NEEDED = {
    "CALLCAB_TELEPHONY": "sip",
    "CALLCAB_REDIS_URL": "redis://127.0.0.1:1/0",
    "CALLCAB_SIP_ACCOUNT": "sip:cab@sip.operator.example:5061",
    "CALLCAB_SIP_PASSWORD": "secret",
}


@pytest.fixture
def with_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a Python that has no wheel of it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.usefixtures("with_package")
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"CALLCAB_SIP_ACCOUNT": ""}, "CALLCAB_SIP_ACCOUNT is not set"),
        ({"CALLCAB_SIP_ACCOUNT": "cab@sip.operator.example"}, "sip:user@sip.operator.ru"),
        ({"CALLCAB_SIP_ACCOUNT": "sip:cab@host;transport=tls"}, "sip:user@sip.operator.ru"),
        ({"CALLCAB_SIP_PASSWORD": ""}, "needs CALLCAB_SIP_REGISTER=0"),
        ({"CALLCAB_SIP_PASSWORD": 'a"b'}, "quotation mark"),
        ({"CALLCAB_SIP_LISTEN": "eth0"}, "192.0.2.7:5060"),
        ({"CALLCAB_SIP_NUMBER": "7925"}, "{number}"),
        ({"CALLCAB_LINES": "51"}, "carries 50 calls at once"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_a_sentence(values: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load({**NEEDED, **values})
    assert words in str(refused.value)


@pytest.mark.usefixtures("with_package")
def test_an_operator_who_knows_our_address_wants_no_password() -> None:
    assert load({**NEEDED, "CALLCAB_SIP_PASSWORD": "", "CALLCAB_SIP_REGISTER": "0"}).sip_password is None


def test_without_its_package_the_start_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as refused:
        load(NEEDED)
    assert "pip install 'callcab[sip]'" in str(refused.value)
    assert "Python 3.11 to 3.14" in str(refused.value)


@pytest.mark.usefixtures("with_package")
@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({}, 40),
        ({"CALLCAB_LINES": "5"}, 5),
        ({"CALLCAB_LINES": "50"}, 50),
        ({"CALLCAB_TELEPHONY": "simulator", "CALLCAB_LINES": "900"}, 900),
        ({"CALLCAB_TELEPHONY": "simulator"}, 0),
    ],
)
def test_campaigns_leave_some_lines_of_an_account_to_others(values: dict[str, str], lines: int) -> None:
    assert load({**NEEDED, **values}).campaign_lines == lines


def test_the_settings_make_the_account() -> None:
    pytest.importorskip("baresip")
    found = telephony.make(load({**NEEDED, "CALLCAB_SIP_NUMBER": "9{number}"}))
    assert found.name == "sip"
    assert found._trunk.address("+79250000001") == "ACCOUNT/979250000001@sip.operator.example:5061"
    assert found._trunk.resource == "ACCOUNT/sip.operator.example:5061"
