import pytest

from callcab.lib import inn


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("7707083893", "7707083893", "organisation"),
        (" 77 0708\u00a03893\n", "7707083893", "organisation"),
        ("\ufeff7707083893", "7707083893", "organisation"),
        ("500100732259", "500100732259", "person"),
    ],
)
def test_valid_inn_is_stored_as_digits(text, value, kind):
    assert inn.check(text) == inn.Inn(value, kind)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("7707083890", "checksum"),
        ("500100732258", "checksum"),
        ("500100732269", "checksum"),
        ("0000000000", "zeros"),
        ("000000000000", "zeros"),
        ("770708389", "leading_zero_lost"),
        ("50010073225", "leading_zero_lost"),
        ("77070838", "length"),
        ("7707083893000", "length"),
        ("770708389a", "not_digits"),
        ("7707083893.0", "not_digits"),
        ("７７０７０８３８９３", "not_digits"),
        ("-770708389", "not_digits"),
    ],
)
def test_wrong_inn_is_refused_with_the_reason(text, reason):
    with pytest.raises(inn.InnError) as caught:
        inn.check(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("digit", "0123456789")
def test_a_mistyped_digit_is_noticed(place, digit):
    mistyped = "7707083893"[:place] + digit + "7707083893"[place + 1 :]
    if mistyped == "7707083893":
        assert inn.check(mistyped)
    else:
        with pytest.raises(inn.InnError):
            inn.check(mistyped)


@pytest.mark.parametrize("text", ["770701001", "7707AZ001", " 7707 01001 "])
def test_valid_kpp_is_accepted(text):
    assert inn.check_kpp(text) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("77070100", "length"), ("7707az001", "format"), ("77A701001", "format"), ("000001001", "zeros")],
)
def test_wrong_kpp_is_refused_with_the_reason(text, reason):
    with pytest.raises(inn.KppError) as caught:
        inn.check_kpp(text)
    assert caught.value.reason == reason


def test_an_organisation_needs_a_kpp_and_a_person_has_none():
    organisation, person = inn.check("7707083893"), inn.check("500100732259")
    assert inn.check_kpp_of(organisation, "770701001") == "770701001"
    assert inn.check_kpp_of(person, None) is None
    with pytest.raises(inn.KppError, match="required"):
        inn.check_kpp_of(organisation, " ")
    with pytest.raises(inn.KppError, match="not_expected"):
        inn.check_kpp_of(person, "770701001")


@pytest.mark.parametrize("text", ["1027700132195", "1 027700 132195", "304500116000157"])
def test_valid_ogrn_is_accepted(text):
    assert inn.check_ogrn(text) == "".join(text.split())


@pytest.mark.parametrize("body", ["30450011600018", "30450011600019", "30450011600020", "30450011600016"])
def test_the_last_digit_of_a_remainder_of_ten_and_more_decides_for_ogrnip(body):
    right = str(int(body) % 13)[-1]
    assert inn.check_ogrn(body + right) == body + right
    with pytest.raises(inn.OgrnError, match="checksum"):
        inn.check_ogrn(body + str((int(right) + 1) % 10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("102770013219x", "not_digits"),
        ("102770013219", "length"),
        ("2027700132195", "first_digit"),
        ("504500116000157", "first_digit"),
        ("1027700132196", "checksum"),
    ],
)
def test_wrong_ogrn_is_refused_with_the_reason(text, reason):
    with pytest.raises(inn.OgrnError) as caught:
        inn.check_ogrn(text)
    assert caught.value.reason == reason
