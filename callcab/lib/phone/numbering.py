"""The numbering plan: what a Russian number is, its kind, and its three written forms."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

REASONS = frozenset(
    {
        "empty",
        "no_digits",
        "too_short",
        "too_long",
        "foreign",
        "not_assigned",
        "letters",
        "lossy",
        "ambiguous",
        "formula",
        "multiple",
        "bad_chars",
    }
)
DIALABLE = frozenset({"mobile", "fixed"})

_E164 = re.compile(r"\+?7(\d{3})(\d{3})(\d\d)(\d\d)", re.ASCII)
_FIRST_INT, _LAST_INT = 70_000_000_000, 79_999_999_999
_LONGEST_E164 = 15


class PhoneError(ValueError):
    """A text that is no usable number. `reason` is one of REASONS (rule T11)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type["PhoneError"], tuple[str]]:
        return PhoneError, (self.reason,)


class Phone(NamedTuple):
    """A Russian number that exists in the numbering plan. A tuple, for a file has a million of them.

    e164      "+79253944577"
    national  ten digits, "9253944577"
    kind      mobile | fixed | toll_free | premium | other (rule T9)
    notices   what was repaired or dropped on reading: plus_eight, extension, scientific
    """

    e164: str
    national: str
    kind: str
    notices: tuple[str, ...] = ()


def _plan() -> tuple[tuple[str, re.Pattern[str]], ...]:
    # The tables of `phonenumbers` are the source; its own validity call walks every region that shares +7 and is
    # ten times slower. tests/lib/test_phone.py compares both.
    russia: Any = PhoneMetadata.metadata_for_region("RU")
    tables = (
        ("toll_free", russia.toll_free),
        ("premium", russia.premium_rate),
        ("fixed", russia.fixed_line),
        ("mobile", russia.mobile),
        ("other", russia.personal_number),
    )
    return tuple((kind, re.compile(table.national_number_pattern, re.ASCII)) for kind, table in tables)


_PLAN = _plan()


def national_phone(national: str, notices: tuple[str, ...] = ()) -> Phone:
    """Make a Phone of ten digits, or raise PhoneError foreign or not_assigned (rule T5)."""
    if national[0] == "9" and national[1] != "3":
        return Phone("+7" + national, national, "mobile", notices)
    if national[0] in "67":
        raise PhoneError("foreign")
    for kind, pattern in _PLAN:
        if pattern.fullmatch(national):
            return Phone("+7" + national, national, kind, notices)
    raise PhoneError("not_assigned")


def international_phone(digits: str, notices: tuple[str, ...] = ()) -> Phone:
    """Make a Phone of the digits after `+`, `00` or `810`, or raise PhoneError."""
    if digits[:1] == "7":
        if len(digits) != 11:
            raise PhoneError("too_short" if len(digits) < 11 else "too_long")
        return national_phone(digits[1:], notices)
    if len(digits) > _LONGEST_E164:
        raise PhoneError("too_long")
    if len(digits) < 7:
        raise PhoneError("too_short")
    known = any(int(digits[:size]) in COUNTRY_CODE_TO_REGION_CODE for size in (1, 2, 3)) and digits[0] != "0"
    raise PhoneError("foreign" if known else "not_assigned")


def is_dialable(phone: Phone) -> bool:
    """Tell whether the robot may dial it: mobile and fixed only, the rest is toll fraud (rule T9)."""
    return phone.kind in DIALABLE


@lru_cache(1_024)
def display(e164: str) -> str:
    """Write "+79253944577" as "+7(925)394-45-77" (rule T1). Raises ValueError for anything but +7 and ten digits."""
    match = _E164.fullmatch(e164)
    if match is None:
        raise ValueError("not a Russian E.164 number")
    area, first, second, third = match.groups()
    return f"+7({area}){first}-{second}-{third}"


def to_int(e164: str) -> int:
    """Return the stored form, the eleven digits as a number: "+79253944577" -> 79253944577."""
    if _E164.fullmatch(e164) is None:
        raise ValueError("not a Russian E.164 number")
    return int(e164)


def from_int(number: int) -> str:
    """Return the E.164 text of a stored number: 79253944577 -> "+79253944577"."""
    if not _FIRST_INT <= number <= _LAST_INT:
        raise ValueError("not a stored phone number")
    return f"+{number}"
