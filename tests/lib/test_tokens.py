"""Tokens, signed strings, promo codes."""

from datetime import UTC, datetime, timedelta

import pytest

from callcab.lib import clock, tokens

KEY = "k" * 32
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_signed_text_comes_back_in_time():
    with clock.frozen(NOON):
        signed = tokens.sign(KEY, "reset", "пользователь 7")
    with clock.frozen(NOON + timedelta(minutes=29)):
        assert tokens.unsign(KEY, "reset", signed, timedelta(minutes=30)) == "пользователь 7"


def test_an_old_signed_text_is_expired():
    with clock.frozen(NOON):
        signed = tokens.sign(KEY, "reset", "7")
    with clock.frozen(NOON + timedelta(minutes=31)), pytest.raises(tokens.TokenError) as caught:
        tokens.unsign(KEY, "reset", signed, timedelta(minutes=30))
    assert caught.value.reason == "expired"


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "A", lambda t: "A" + t[1:], lambda t: "", lambda t: "ы"]
)
def test_an_altered_text_is_bad(change):
    signed = tokens.sign(KEY, "cursor", "abc")
    altered = change(signed)
    if altered == signed:
        altered = "B" + signed[1:]
    with pytest.raises(tokens.TokenError, match="bad"):
        tokens.unsign(KEY, "cursor", altered)


@pytest.mark.parametrize(("key", "purpose"), [("x" * 32, "cursor"), (KEY, "reset")])
def test_another_key_or_purpose_is_bad(key, purpose):
    with pytest.raises(tokens.TokenError, match="bad"):
        tokens.unsign(key, purpose, tokens.sign(KEY, "cursor", "abc"))


def test_every_single_changed_letter_is_noticed():
    signed = tokens.sign(KEY, "cursor", "abcd")
    for index, letter in enumerate(signed):
        other = "A" if letter != "A" else "B"
        with pytest.raises(tokens.TokenError):
            tokens.unsign(KEY, "cursor", signed[:index] + other + signed[index + 1 :])


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="too short"):
        tokens.sign("short", "cursor", "x")


def test_a_random_token_is_long_and_its_hash_is_stored():
    one, other = tokens.random_token(160), tokens.random_token(160)
    assert one != other
    assert len(one) >= 27
    assert len(tokens.token_hash(one)) == 64
    assert tokens.equal(one, one)
    assert not tokens.equal(one, other)


def test_a_promo_code_reads_well_and_survives_normalising():
    for _ in range(200):
        code = tokens.promo_code()
        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert not set(code) & set("01OIL")
        assert tokens.group_code(tokens.normalise_code(code)) == code


@pytest.mark.parametrize(
    "typed",
    [
        "ABCE-HKMP-TXY2",
        "abce hkmp txy2",
        " abcehkmptxy2\n",
        "АВСЕ-НКМР-ТХУ2",
        "авсенкмртху2",
        "ABCE\u2014HKMP\u2011TXY2",
        "ＡＢＣＥ－ＨＫＭＰ－ＴＸＹ２",
        "ABCE\u200bHKMP\u00a0TXY2",
        "АBCE_HKMP.TXY2",
    ],
)
def test_equal_writings_are_one_code(typed):
    assert tokens.normalise_code(typed) == "ABCEHKMPTXY2"
