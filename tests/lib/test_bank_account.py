import pytest

from callcab.lib import bank_account
from callcab.lib.bank_account import BankAccountError


@pytest.mark.parametrize(
    ("bik", "account"),
    [
        ("044525225", "30101810400000000225"),
        ("049805000", "30101810800000000746"),
        ("049805746", "40602810700000000025"),
        (" 04 9805746", "4060 2810 7000 0000 0025"),
    ],
)
def test_open_examples_of_the_order_fit(bik, account):
    assert bank_account.check(bik, account) == "".join(account.split())


@pytest.mark.parametrize("digit", "012345689")
def test_any_other_key_digit_is_refused(digit):
    with pytest.raises(BankAccountError) as caught:
        bank_account.check("049805746", f"40602810{digit}00000000025")
    assert (caught.value.reason, caught.value.field) == ("key", "account")


def test_a_letter_in_position_six_counts_as_a_digit_and_cyrillic_is_made_latin():
    # 1 in position 6 and B mean the same to the key.
    fitting = next(
        f"40602{1}10{key}00000000025" for key in range(10) if _fits("049805746", f"40602{1}10{key}00000000025")
    )
    lettered = fitting[:5] + "B" + fitting[6:]
    assert bank_account.check("049805746", lettered) == lettered
    assert bank_account.check("049805746", lettered.replace("B", "В")) == lettered
    assert bank_account.check("049805746", lettered.lower()) == lettered


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("", "empty"),
        ("4060281070000000002", "length"),
        ("40602810700000000O25", "not_digits"),
        ("00000000000000000000", "zeros"),
    ],
)
def test_malformed_account_is_refused(account, reason):
    with pytest.raises(BankAccountError) as caught:
        bank_account.check("049805746", account)
    assert (caught.value.reason, caught.value.field) == (reason, "account")


@pytest.mark.parametrize(
    ("bik", "reason"),
    [
        ("", "empty"),
        ("04452522", "length"),
        ("04452522a", "not_digits"),
        ("344525225", "first_digit"),
        ("000000000", "zeros"),
    ],
)
def test_malformed_bik_is_refused(bik, reason):
    with pytest.raises(BankAccountError) as caught:
        bank_account.check(bik, "40602810700000000025")
    assert (caught.value.reason, caught.value.field) == (reason, "bik")


def test_a_treasury_bik_need_not_start_with_04():
    assert bank_account.check_bik("017003983") == "017003983"


def test_correspondent_account_belongs_to_its_bank():
    assert bank_account.check_correspondent("044525225", "30101810400000000225") == "30101810400000000225"


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("40702810400000000225", "not_correspondent"),
        ("30101810400000000226", "other_bank"),
        ("30101810500000000225", "key"),
    ],
)
def test_wrong_correspondent_account_is_refused(account, reason):
    with pytest.raises(BankAccountError) as caught:
        bank_account.check_correspondent("044525225", account)
    assert (caught.value.reason, caught.value.field) == (reason, "correspondent")


def test_a_rouble_account_has_810_inside():
    assert bank_account.is_rouble("40602810700000000025")
    assert not bank_account.is_rouble("40602840700000000025")


def _fits(bik, account):
    try:
        bank_account.check(bik, account)
    except BankAccountError:
        return False
    return True
