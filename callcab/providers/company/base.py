"""What is known of a company, and what every look-up by INN promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

# Longer values are no requisites but somebody's mistake; they must not fill a form.
LONGEST = 500


class CompanyStatus(StrEnum):
    ACTIVE = "active"
    LIQUIDATING = "liquidating"
    REORGANIZING = "reorganizing"
    BANKRUPT = "bankrupt"
    LIQUIDATED = "liquidated"


@dataclass(frozen=True, slots=True)
class CompanyInfo:
    """Requisites as a register knows them: plain text from outside, empty where the register is silent (rule L6)."""

    inn: str
    name: str
    kpp: str = ""
    ogrn: str = ""
    address: str = ""
    head: str = ""
    status: CompanyStatus = CompanyStatus.ACTIVE


class Unavailable(Exception):
    """The register did not answer, or answered nonsense; ``reason`` is for the log and holds no key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CompanyProvider(Protocol):
    """Finds companies by a valid INN: head office first, nothing for an unknown one. Raises Unavailable within 4 s."""

    def find(self, inn: str) -> Sequence[CompanyInfo]: ...


class NoDirectory:
    """Nothing is configured: the form is filled by hand."""

    def find(self, inn: str) -> Sequence[CompanyInfo]:
        raise Unavailable("no register is configured")


def line(value: Any) -> str:
    """A value from outside as one line of printable text; what is no text or is too long is nothing."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())


def status_of(text: Any) -> CompanyStatus:
    """The status by its name in any case; an unknown one counts as active: it is a hint, not a permission."""
    try:
        return CompanyStatus(line(text).lower())
    except ValueError:
        return CompanyStatus.ACTIVE
