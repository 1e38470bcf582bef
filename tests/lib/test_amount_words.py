from decimal import Decimal

import pytest

from callcab.lib import amount_words
from callcab.lib.money import AmountError


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("120", "Сто двадцать рублей 00 копеек"),
        ("0", "Ноль рублей 00 копеек"),
        ("0.01", "Ноль рублей 01 копейка"),
        ("1.02", "Один рубль 02 копейки"),
        ("2.05", "Два рубля 05 копеек"),
        ("5.11", "Пять рублей 11 копеек"),
        ("11", "Одиннадцать рублей 00 копеек"),
        ("14.21", "Четырнадцать рублей 21 копейка"),
        ("21", "Двадцать один рубль 00 копеек"),
        ("111", "Сто одиннадцать рублей 00 копеек"),
        ("1000", "Одна тысяча рублей 00 копеек"),
        ("2001", "Две тысячи один рубль 00 копеек"),
        ("29200", "Двадцать девять тысяч двести рублей 00 копеек"),
        ("1000000", "Один миллион рублей 00 копеек"),
        ("2000000000.12", "Два миллиарда рублей 12 копеек"),
        ("1001001", "Один миллион одна тысяча один рубль 00 копеек"),
        ("0.995", "Один рубль 00 копеек"),
        ("2.675", "Два рубля 68 копеек"),
    ],
)
def test_sum_is_written_in_words(amount, words):
    assert amount_words.roubles(Decimal(amount)) == words


@pytest.mark.parametrize(
    ("amount", "reason"), [("-0.01", "negative"), ("1000000000000", "too_large"), ("NaN", "not_a_number")]
)
def test_what_no_document_may_hold_is_refused(amount, reason):
    with pytest.raises(AmountError) as caught:
        amount_words.roubles(Decimal(amount))
    assert caught.value.reason == reason


def test_the_largest_sum_has_words():
    assert amount_words.roubles(Decimal("999999999999.99")).endswith("девятьсот девяносто девять рублей 99 копеек")


def test_a_float_is_refused():
    with pytest.raises(TypeError):
        amount_words.roubles(1.5)
