"""Russian requisites of a legal person: INN, KPP, OGRN (rules R1-R4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

INVISIBLE = str.maketrans("", "", "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f")
DIGITS = re.compile(r"[0-9]+")
# Positions 5-6 may hold capital Latin letters, everything else is a digit.
KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
ORGANISATION_LENGTH = 10
PERSON_LENGTH = 12
ORGANISATION_WEIGHTS = (2, 4, 10, 3, 5, 9, 4, 6, 8)
PERSON_FIRST_WEIGHTS = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
PERSON_SECOND_WEIGHTS = (3, *PERSON_FIRST_WEIGHTS)

InnKind = Literal["organisation", "person"]


class RequisiteError(ValueError):
    """A requisite that cannot be right; `reason` is a stable code, the text for people is elsewhere."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InnError(RequisiteError):
    """Reasons: empty, not_digits, leading_zero_lost, length, zeros, checksum."""


class KppError(RequisiteError):
    """Reasons: empty, length, format, zeros, required, not_expected."""


class OgrnError(RequisiteError):
    """Reasons: empty, not_digits, length, first_digit, checksum."""


@dataclass(frozen=True, slots=True)
class Inn:
    value: str
    kind: InnKind

    def __str__(self) -> str:
        return self.value


def compact(text: str) -> str:
    """Drop white space (NBSP too) anywhere and invisible marks that come with copied text (rule R1)."""
    return "".join(text.translate(INVISIBLE).split())


def check(text: str) -> Inn:
    """The INN that `text` holds, ten digits for an organisation, twelve for a person (rule R2).

    raises   InnError; `leading_zero_lost` for 9 or 11 digits, which is what a spreadsheet makes of an INN
    """
    value = compact(text)
    if not value:
        raise InnError("empty")
    if not DIGITS.fullmatch(value):
        raise InnError("not_digits")
    if len(value) in (ORGANISATION_LENGTH - 1, PERSON_LENGTH - 1):
        raise InnError("leading_zero_lost")
    if len(value) not in (ORGANISATION_LENGTH, PERSON_LENGTH):
        raise InnError("length")
    if not value.strip("0"):
        raise InnError("zeros")
    if not _inn_key_fits(value):
        raise InnError("checksum")
    return Inn(value, "organisation" if len(value) == ORGANISATION_LENGTH else "person")


def check_kpp(text: str) -> str:
    """The KPP that `text` holds: nine characters (rule R3). Raises KppError."""
    value = compact(text)
    if not value:
        raise KppError("empty")
    if len(value) != 9:
        raise KppError("length")
    if not KPP.fullmatch(value):
        raise KppError("format")
    if value.startswith("0000"):
        raise KppError("zeros")
    return value


def check_kpp_of(inn: Inn, text: str | None) -> str | None:
    """The KPP that belongs to this INN: required for an organisation, absent for a person (rule R3).

    raises   KppError; `required` and `not_expected` when the two do not go together
    """
    given = compact(text or "")
    if inn.kind == "person":
        if given:
            raise KppError("not_expected")
        return None
    if not given:
        raise KppError("required")
    return check_kpp(given)


def check_ogrn(text: str) -> str:
    """The OGRN (13 digits) or OGRNIP (15 digits) that `text` holds (rule R4). Raises OgrnError."""
    value = compact(text)
    if not value:
        raise OgrnError("empty")
    if not DIGITS.fullmatch(value):
        raise OgrnError("not_digits")
    if len(value) not in (13, 15):
        raise OgrnError("length")
    if value[0] not in ("15" if len(value) == 13 else "3"):
        raise OgrnError("first_digit")
    # The divisor is 11 for OGRN and 13 for OGRNIP; of a two-digit remainder only the last digit counts.
    remainder = int(value[:-1]) % (len(value) - 2)
    if remainder % 10 != int(value[-1]):
        raise OgrnError("checksum")
    return value


def _inn_key_fits(value: str) -> bool:
    if len(value) == ORGANISATION_LENGTH:
        return _key(value, ORGANISATION_WEIGHTS) == value[9]
    return _key(value, PERSON_FIRST_WEIGHTS) == value[10] and _key(value, PERSON_SECOND_WEIGHTS) == value[11]


def _key(value: str, weights: Sequence[int]) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False))
    return str(total % 11 % 10)
