"""BIK, correspondent and settlement accounts of Russian banks (rules R5-R7)."""

import re
from itertools import cycle

from callcab.lib.inn import RequisiteError, compact

BIK = re.compile(r"[012][0-9]{8}")
# A clearing currency has a letter in position 6; it counts as a digit in the key.
ACCOUNT = re.compile(r"[0-9]{5}[0-9ABCEHKMPTX][0-9]{14}")
LETTER_AS_DIGIT = str.maketrans("ABCEHKMPTX", "0123456789")
CYRILLIC_AS_LATIN = str.maketrans("АВСЕНКМРТХ", "ABCEHKMPTX")
ACCOUNT_LENGTH = 20
CORRESPONDENT_PREFIX = "30101"
ROUBLE_CODE = "810"


class BankAccountError(RequisiteError):
    """`field` is bik, account or correspondent.

    Reasons: empty, length, not_digits, first_digit (of a BIK), zeros, key,
    not_correspondent (does not start with 30101), other_bank (ends unlike the BIK).
    """

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason)
        self.field = field


def check(bik: str, account: str) -> str:
    """The account in its stored form: 20 characters, a letter only in position 6.

    raises   BankAccountError when either is malformed or the account's key does not fit the BIK (rule R6)
    """
    bank = check_bik(bik)
    value = _account_form(account, "account")
    if not _key_fits(_key_prefix(bank, value), value):
        raise BankAccountError("key", "account")
    return value


def check_bik(text: str) -> str:
    """The nine digits of a BIK (rule R5). Raises BankAccountError with field `bik`."""
    value = compact(text)
    if not value:
        raise BankAccountError("empty", "bik")
    if not re.fullmatch(r"[0-9]+", value):
        raise BankAccountError("not_digits", "bik")
    if len(value) != 9:
        raise BankAccountError("length", "bik")
    if not value.strip("0"):
        raise BankAccountError("zeros", "bik")
    if not BIK.fullmatch(value):
        raise BankAccountError("first_digit", "bik")
    return value


def check_correspondent(bik: str, account: str) -> str:
    """The correspondent account of the bank with this BIK (rule R7). Raises BankAccountError."""
    bank = check_bik(bik)
    value = _account_form(account, "correspondent")
    if not value.startswith(CORRESPONDENT_PREFIX):
        raise BankAccountError("not_correspondent", "correspondent")
    if value[-3:] != bank[-3:]:
        raise BankAccountError("other_bank", "correspondent")
    if not is_central_bank(bank) and not _key_fits(_key_prefix(bank, value), value):
        raise BankAccountError("key", "correspondent")
    return value


def is_central_bank(bik: str) -> bool:
    """Is this a BIK of the Bank of Russia or the treasury, whose accounts have no correspondent account?"""
    return bik[-3:] in ("000", "001", "002") or bik[:2] in ("00", "01")


def is_rouble(account: str) -> bool:
    """May a rouble invoice be paid to this account (rule R7)?"""
    return account[5:8] == ROUBLE_CODE


def _account_form(text: str, field: str) -> str:
    value = compact(text).upper().translate(CYRILLIC_AS_LATIN)
    if not value:
        raise BankAccountError("empty", field)
    if len(value) != ACCOUNT_LENGTH:
        raise BankAccountError("length", field)
    if not ACCOUNT.fullmatch(value):
        raise BankAccountError("not_digits", field)
    if not value.strip("0"):
        raise BankAccountError("zeros", field)
    return value


def _key_prefix(bik: str, account: str) -> str:
    """The three digits that stand for the bank in the key: its own for a client, its region's otherwise."""
    if is_central_bank(bik) or account.startswith(CORRESPONDENT_PREFIX):
        return "0" + bik[4:6]
    return bik[-3:]


def _key_fits(prefix: str, account: str) -> bool:
    digits = prefix + account.translate(LETTER_AS_DIGIT)
    return sum(int(digit) * weight % 10 for digit, weight in zip(digits, cycle((7, 1, 3)), strict=False)) % 10 == 0
