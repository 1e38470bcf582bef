"""Invented but well-formed things: requisites with right check digits, phones, a readable password."""

import random
import secrets
from datetime import UTC, datetime, timedelta

SEED = 20_260_704
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
# Tax offices that do not exist: the check digits are right, the companies nobody's.
_NO_OFFICE = "99"
_INN10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN12 = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def dice(name: str) -> random.Random:
    """A generator of its own for each part, so that a change in one part leaves the others as they are."""
    return random.Random(f"{SEED}:{name}")  # noqa: S311  (invented data, not secrets)


def password() -> str:
    """A new password that can be read out and typed: about 51 random bits."""
    words = ["".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(2)]
    return "-".join([*words, f"{secrets.randbelow(100_000_000):08d}"])


def company_inn(rolls: random.Random, region: str) -> str:
    body = region + _NO_OFFICE + f"{rolls.randrange(100_000):05d}"
    return body + _check(body, _INN10)


def person_inn(rolls: random.Random, region: str) -> str:
    body = region + _NO_OFFICE + f"{rolls.randrange(1_000_000):06d}"
    body += _check(body, _INN11)
    return body + _check(body, _INN12)


def kpp(region: str) -> str:
    return region + _NO_OFFICE + "01001"


def ogrn(rolls: random.Random, region: str) -> str:
    body = "1" + f"{rolls.randrange(5, 26):02d}" + region + f"{rolls.randrange(10_000_000):07d}"
    return body + str(int(body) % 11)[-1]


def ogrnip(rolls: random.Random, region: str) -> str:
    body = "3" + f"{rolls.randrange(5, 26):02d}" + region + f"{rolls.randrange(1_000_000_000):09d}"
    return body + str(int(body) % 13)[-1]


def mobile(rolls: random.Random) -> int:
    """A Russian mobile number as digits."""
    return int(f"79{rolls.choice(('03', '05', '16', '25', '26', '62', '85'))}{rolls.randrange(10_000_000):07d}")


def fixed(rolls: random.Random) -> int:
    """A landline number of a large town as digits."""
    return int(f"7{rolls.choice(('495', '499', '812', '343', '831'))}{rolls.randrange(2_000_000, 9_000_000):07d}")


def moment(rolls: random.Random, day: datetime, first_hour: int, last_hour: int) -> datetime:
    """Some second of the hours (UTC) of ``day``."""
    start = datetime(day.year, day.month, day.day, first_hour, tzinfo=UTC)
    return start + timedelta(seconds=rolls.randrange((last_hour - first_hour) * 3600))


def _check(digits: str, weights: tuple[int, ...]) -> str:
    return str(sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10)
