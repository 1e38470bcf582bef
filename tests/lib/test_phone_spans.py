"""Where a number with known digits may lie."""

import random
from itertools import pairwise

import pytest

from callcab.lib import phone as phones


def lies_in(found: phones.Spans, number: int) -> bool:
    turned, behind = int(str(number)[::-1]), number % phones.BEHIND_HEAD
    kinds = ((number, found.numbers), (behind, found.behind), (turned, found.reversed))
    return any(low <= value <= high for value, spans in kinds for low, high in spans)


def some_numbers(seed: int, count: int) -> list[str]:
    pick = random.Random(seed)
    return ["7" + pick.choice("3489") + "".join(pick.choices("0123456789", k=9)) for _ in range(count)]


@pytest.mark.parametrize("length", range(3, 12))
def test_a_number_lies_in_the_ranges_of_each_part_of_it(length: int) -> None:
    for number in some_numbers(length, 60):
        for place in range(12 - length):
            digits = number[place : place + length]
            assert lies_in(phones.spans(digits), int(number)), (number, digits)


@pytest.mark.parametrize("length", range(3, 12))
def test_a_number_without_the_digits_lies_in_none(length: int) -> None:
    pick = random.Random(length)
    for number in some_numbers(length + 100, 300):
        digits = "".join(pick.choices("047", k=length))
        assert lies_in(phones.spans(digits), int(number)) == (digits in number), (number, digits)


def test_an_end_of_zeros_is_found_though_the_reversed_number_is_short() -> None:
    assert lies_in(phones.spans("50000000"), 79250000000)
    assert lies_in(phones.spans("0000"), 79250000000)


@pytest.mark.parametrize(("digits", "most"), [("4477", 557), ("94444", 157), ("944447", 57), ("9444477", 17)])
def test_longer_parts_need_fewer_ranges(digits: str, most: int) -> None:
    found = phones.spans(digits)
    assert 0 < len(found.numbers) + len(phones.HEADS) * len(found.behind) + len(found.reversed) <= most


@pytest.mark.parametrize("digits", ["444", "7979", "0000", "77777"])
def test_no_range_meets_another_of_its_kind(digits: str) -> None:
    found = phones.spans(digits)
    for spans in (found.numbers, found.behind, found.reversed):
        assert all(before[1] < after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("text", ["12a", "٣٤٥٦", "792539445770"])
def test_what_are_no_digits_of_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        phones.spans(text)
