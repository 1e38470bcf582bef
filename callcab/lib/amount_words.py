"""A sum of roubles in Russian words, as documents print it (rules W1-W3)."""

from decimal import Decimal

from pytils import numeral

from callcab.lib.money import AmountError, in_kopecks

ROUBLE_FORMS = ("рубль", "рубля", "рублей")
KOPECK_FORMS = ("копейка", "копейки", "копеек")
# pytils counts up to milliards; what our money columns hold ends there too.
LIMIT = 10**12


def roubles(amount: Decimal) -> str:
    """«Сто двадцать рублей 00 копеек»: roubles in words, kopecks as two digits, after rounding half up.

    raises   AmountError: negative, too_large (10^12 and more), not_a_number; TypeError for a float
    """
    kopecks = in_kopecks(amount)
    if kopecks < 0:
        raise AmountError("negative")
    whole, rest = divmod(kopecks, 100)
    if whole >= LIMIT:
        raise AmountError("too_large")
    words = " ".join(numeral.sum_string(whole, numeral.MALE, ROUBLE_FORMS).split())
    form = numeral.choose_plural(rest, KOPECK_FORMS)
    return f"{words[0].upper()}{words[1:]} {rest:02d} {form}"
