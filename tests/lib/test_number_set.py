"""A small set of many numbers."""

import random

import pytest

from callcab.lib import number_set
from callcab.lib.number_set import NumberSet


@pytest.fixture(params=[0, 3_000, 1_000_000], autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many from the start, from the third time on, never."""
    monkeypatch.setattr(number_set, "_FEW", request.param)


def test_a_number_is_new_once() -> None:
    numbers = NumberSet()
    assert numbers.add_new([79253944577, 79253944578, 79253944577]) == [79253944577, 79253944578]
    assert numbers.add_new([79253944578, 79253944579]) == [79253944579]


def test_it_says_what_a_set_says() -> None:
    chosen = random.Random(4)
    numbers, plain = NumberSet(), set[int]()
    for _ in range(20):
        some = [chosen.randrange(79_000_000_000, 79_000_050_000) for _ in range(2_000)]
        some += [70_000_000_000 + 65_521 * chosen.randrange(500) for _ in range(100)]
        expected = [number for number in dict.fromkeys(some) if number not in plain]
        assert numbers.add_new(some) == expected
        plain.update(some)


def test_numbers_next_to_each_other_and_far_away_are_different_ones() -> None:
    assert NumberSet().add_new([0, 1, 65_521, 65_522, 2**47 - 1]) == [0, 1, 65_521, 65_522, 2**47 - 1]
