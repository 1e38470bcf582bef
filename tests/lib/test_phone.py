"""Phones: rules T1-T11."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcab.lib import phone
from callcab.lib.phone.numbering import REASONS

ACCEPTED = [
    ("8 (925) 394-45-77", "+79253944577"),
    ("812 123 45 67", "+78121234567"),
    ("+7 925 394 45 77", "+79253944577"),
    ("9253944577", "+79253944577"),
    ("8 10 7 925 394 45 77", "+79253944577"),
    ("0079253944577", "+79253944577"),
    ("(+7) 925 394-45-77", "+79253944577"),
    ("8.925.394.45.77", "+79253944577"),
    ("79253944577.0", "+79253944577"),
    ("79253944577,0", "+79253944577"),
    ("'89253944577", "+79253944577"),
    ('="89253944577"', "+79253944577"),
    ("«8 925 394-45-77»;", "+79253944577"),
    ("７９２５３９４４５７７", "+79253944577"),
    ("\u202a+7 925 394\u201145\u201377\u202c", "+79253944577"),
    ("\ufeff8\xa0925\u202f394\u200b4577", "+79253944577"),
    ("тел. 8(925)394-45-77", "+79253944577"),
    ("Моб.: +7 925 394 45 77", "+79253944577"),
    ("tel:+7-925-394-45-77", "+79253944577"),
    ("phone 89253944577", "+79253944577"),
    ("№ 89253944577", "+79253944577"),
    ("8 925 394-45-77 (моб.)", "+79253944577"),
    ("- 8 925 394 45 77", "+79253944577"),
    ("8 (4852) 12-34-56", "+74852123456"),
]

REFUSED = [
    ("", "empty"),
    (" \u200b\t", "empty"),
    ("Иван", "no_digits"),
    ("тел.", "no_digits"),
    ("394-45-77", "too_short"),
    ("8925394457", "not_assigned"),
    ("8 701 123-45-67", "foreign"),
    ("+375291234567", "foreign"),
    ("81037529 123 45 67", "foreign"),
    ("00 375 29 123 45 67", "foreign"),
    ("375291234567", "too_long"),
    ("380441234567", "too_long"),
    ("8 512 123 45 67", "not_assigned"),
    ("7707083893", "ambiguous"),
    ("6123456789", "ambiguous"),
    ("7,92539E+10", "lossy"),
    ("7,925394457E+10", "lossy"),
    ("8-800-FLOWERS", "letters"),
    ("8925О944577", "letters"),
    ("т89253944577", "letters"),
    ("https://wa.me/79253944577", "letters"),
    ("ivan@79253944577.ru", "letters"),
    ("8 495 123-45-77/76", "ambiguous"),
    ("89253944577, 89253944578", "multiple"),
    ("89253944577 89253944578", "multiple"),
    ("89253944577\n89253944578\n89253944579", "multiple"),
    ("=SUM(79253944577)", "formula"),
    ("=89253944577", "formula"),
    ("＝1+1", "formula"),
    ("@89253944577", "formula"),
    ('HYPERLINK("tel:89253944577")', "formula"),
    ("+cmd|' /C calc'!A0", "formula"),
    ("++79253944577", "bad_chars"),
    ("7+9253944577", "bad_chars"),
    ("95.173.136.70", "bad_chars"),
    ("8925394457.7", "bad_chars"),
    ("٨٩٢٥٣٩٤٤٥٧٧", "bad_chars"),
    ("8925394\x004577", "bad_chars"),
    ("9" * 300, "too_long"),
]


@pytest.mark.parametrize(("text", "e164"), ACCEPTED)
def test_a_usual_spelling_is_read(text, e164):
    assert phone.parse(text).e164 == e164
    assert phone.number(text) == int(e164)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_number_is_refused_with_its_reason(text, reason):
    with pytest.raises(phone.PhoneError) as caught:
        phone.parse(text)
    assert caught.value.reason == reason
    with pytest.raises(phone.PhoneError) as caught:
        phone.number(text)
    assert caught.value.reason == reason


def outcome(read, text):
    try:
        return read(text)
    except phone.PhoneError as error:
        return error.reason


@given(st.from_regex(r"(\+?[78])?[ -]?\(?\d{3}\)?[ -]?\d{3}[ -]?\d\d[ -]?\d\d", fullmatch=True) | st.text(max_size=20))
def test_a_number_alone_is_the_number_of_the_phone(text):
    assert outcome(phone.number, text) == outcome(lambda given: int(phone.parse(given).e164), text)


@pytest.mark.parametrize(
    ("text", "notices"),
    [
        ("+8 925 394-45-77", ("plus_eight",)),
        ("8(925)394-45-77 доб. 12", ("extension",)),
        ("8(925)394-45-77, ДОБ 12", ("extension",)),
        ("8(925)394-45-77x12", ("extension",)),
        ("8(925)394-45-77 #12", ("extension",)),
        ("tel:+79253944577;ext=12", ("extension",)),
        ("7,9253944577E+10", ("scientific",)),
        ("7.9253944577e10", ("scientific",)),
    ],
)
def test_a_repair_is_told(text, notices):
    read = phone.parse(text)
    assert (read.e164, read.notices) == ("+79253944577", notices)


@pytest.mark.parametrize(
    ("text", "kind", "dialable"),
    [
        ("89253944577", "mobile", True),
        ("84951234567", "fixed", True),
        ("83431234567", "fixed", True),
        ("88005553535", "toll_free", False),
        ("88041234567", "toll_free", False),
        ("88031234567", "premium", False),
        ("88091234567", "premium", False),
        ("88081234567", "other", False),
    ],
)
def test_the_robot_dials_mobile_and_fixed_only(text, kind, dialable):
    read = phone.parse(text)
    assert (read.kind, phone.is_dialable(read)) == (kind, dialable)


def test_the_plan_agrees_with_phonenumbers():
    chance = random.Random(8)
    for _ in range(3000):
        national = chance.choice("3489") + "".join(chance.choices("0123456789", k=9))
        expected = phonenumbers.is_valid_number_for_region(phonenumbers.PhoneNumber(7, int(national)), "RU")
        try:
            phone.parse("+7" + national)
        except phone.PhoneError:
            assert not expected, national
        else:
            assert expected, national


@given(st.from_regex(r"(9[0-24-9]\d|495|812|343)\d{7}", fullmatch=True).filter(str.isascii))
def test_display_and_stored_form_read_back_the_same(national):
    e164 = "+7" + national
    assert phone.parse(phone.display(e164)).e164 == e164
    assert phone.from_int(phone.to_int(e164)) == e164


@given(st.text(alphabet="0123456789+-() .,;/|=@xEeдобт\n\"'\u200b№", max_size=60))
def test_no_text_breaks_the_reader(text):
    try:
        assert phone.parse(text).e164.startswith("+7")
    except phone.PhoneError as error:
        assert error.reason in REASONS
    phone.extract(text)
    assert phone.search_digits(text).isdigit() or phone.search_digits(text) == ""


def test_display_refuses_what_is_not_russian():
    with pytest.raises(ValueError, match="not a Russian"):
        phone.display("+375291234567")


@pytest.mark.parametrize("number", [0, 9253944577, 375291234567, -79253944577])
def test_a_stored_number_outside_the_plan_is_refused(number):
    with pytest.raises(ValueError, match="not a stored"):
        phone.from_int(number)


@pytest.mark.parametrize(
    ("text", "phones", "reasons", "duplicates"),
    [
        ("Иван 89253944577", ["+79253944577"], [], 0),
        ("89253944577\r+7(925)394-45-77\r\n\n925 394 45 77", ["+79253944577"], [], 2),
        ("1. 8 925 394-45-77\n2) 925 394 45 78", ["+79253944577", "+79253944578"], [], 0),
        ("Пётр, +7 916 123-45-67, договор 123456", ["+79161234567"], [(1, "too_short")], 0),
        ("89253944577 89253944578", ["+79253944577", "+79253944578"], [], 0),
        ("8 925 394 45 77 8 916 123 45 67", ["+79253944577", "+79161234567"], [], 0),
        ("7,9253944577E+10; 7,92539E+10", ["+79253944577"], [(1, "lossy")], 0),
        ("7,92539E+10", [], [(1, "lossy")], 0),
        ("\n\nнет номера", [], [(3, "no_digits")], 0),
        ("Иван 8 701 123-45-67", [], [(1, "foreign")], 0),
        ("a89253944577", [], [(1, "letters")], 0),
        ("375 29 123 45 67", [], [(1, "too_long")], 0),
        ("4276 8925 3944 5771", [], [(1, "too_long")], 0),
        ("8925 394-45-77/76", [], [(1, "ambiguous")], 0),
        ("8(495)1234567/8(495)1234568", ["+74951234567", "+74951234568"], [], 0),
        ("12345 89253944577", ["+79253944577"], [(1, "too_short")], 0),
        ("12-89253944577 89161234567", ["+79161234567"], [(1, "too_long")], 0),
        ('=HYPERLINK("x";"89253944577")', [], [(1, "formula")], 0),
        ("89161234567;=SUM(89253944577)", ["+79161234567"], [(1, "formula")], 0),
        ('="89253944577";="89253944578"', ["+79253944577", "+79253944578"], [], 0),
        ("Иван https://wa.me/79253944577", [], [(1, "letters")], 0),
        ("8925 a@b.ru 3944577", [], [(1, "too_short")], 0),
        ("89161234567,ivan@mail.ru", ["+79161234567"], [], 0),
        ("", [], [], 0),
    ],
)
def test_numbers_are_found_in_pasted_text(text, phones, reasons, duplicates):
    found = phone.extract(text)
    assert [item.e164 for item in found.phones] == phones
    assert [(item.line, item.reason) for item in found.rejected] == reasons
    assert found.duplicates == duplicates


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("8 (925) 394-45-77", "79253944577"),
        ("9253944577", "79253944577"),
        ("8 (925) 394", "925394"),
        ("8925394", "925394"),
        ("+7925", "7925"),
        ("812123", "812123"),
        ("45-77", "4577"),
        ("%_", ""),
        ("", ""),
    ],
)
def test_a_search_finds_any_part_in_any_spelling(text, digits):
    assert phone.search_digits(text) == digits
