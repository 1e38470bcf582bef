"""One-time codes against the test vectors of RFC 6238, appendix B (their last six digits)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from callcab.lib import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_a_code_is_the_one_of_the_standard(seconds: int, code: str) -> None:
    assert totp.code_at(SECRET, totp.step_of(datetime.fromtimestamp(seconds, UTC))) == code


def test_a_clock_that_is_one_step_off_is_forgiven_but_not_two() -> None:
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    code = totp.code_at(SECRET, totp.step_of(moment))
    assert totp.matching_step(SECRET, code, moment + timedelta(seconds=30)) == totp.step_of(moment)
    assert totp.matching_step(SECRET, code, moment + timedelta(seconds=60)) is None


def test_a_code_may_be_typed_in_two_groups() -> None:
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    code = totp.code_at(SECRET, totp.step_of(moment))
    assert totp.matching_step(SECRET, f"{code[:3]} {code[3:]}", moment) is not None


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_matches_nothing(text: str) -> None:
    assert totp.matching_step(SECRET, text, datetime(2026, 11, 24, 12, tzinfo=UTC)) is None


def test_the_address_of_the_qr_code_names_issuer_and_account() -> None:
    address = totp.uri("ABC", "a b@example.org", "callcab")
    assert address == "otpauth://totp/callcab%3Aa%20b%40example.org?secret=ABC&issuer=callcab&digits=6&period=30"


def test_a_new_secret_has_160_random_bits() -> None:
    assert len(base64.b32decode(totp.new_secret())) == 20
