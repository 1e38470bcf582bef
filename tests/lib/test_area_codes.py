"""The table of area codes against the numbering plan that `phonenumbers` carries."""

import subprocess
import sys

import phonenumbers
import pytest
from phonenumbers import geocoder

from callcab.lib.phone.area_codes import CODES_OF_REGION, REGION_OF_CODE


@pytest.mark.parametrize("code", sorted(set(REGION_OF_CODE) - {496, 498, 499}))
def test_the_table_says_what_the_plan_says(code: int) -> None:
    number = phonenumbers.parse(f"+7{code}2000000")
    assert REGION_OF_CODE[code] == geocoder.description_for_number(number, "ru")


def test_the_four_codes_of_moscow_are_one_region() -> None:
    assert CODES_OF_REGION[REGION_OF_CODE[495]] == (495, 496, 498, 499)


def test_the_whole_plan_is_in_the_table() -> None:
    known = {"", "Россия"}
    for code in (*range(300, 500), *range(800, 900)):
        named = geocoder.description_for_number(phonenumbers.parse(f"+7{code}2000000"), "ru")
        assert code in REGION_OF_CODE or named in known, code


def test_the_places_of_the_whole_world_are_not_read_at_start() -> None:
    """They cost each process seconds and a hundred megabytes."""
    program = "import sys, callcab.app; print('phonenumbers.geodata' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
