"""Sentences for the slips that ``services.listing`` finds."""

from callcab.web.language import gettext
from callcab.web.language import lazy_gettext as _l

# In the empty field of a search for numbers (``listing.phone_search``), which is narrow, and in words beside it.
NUMBER_HINT = _l("Номер или *4577"), _l("Номер, любая его часть или последние цифры после звёздочки: *4577")

# How one jumps into a list, by what it is ordered by: the label of the field and an example.
JUMPS = {
    "date": (_l("К дате"), "07.05.2024"),
    "phone": (_l("К номеру"), "7925"),
    "amount": (_l("К сумме"), "500,00"),
}

_SLIPS = {
    "bad_date": _l("Введите дату так: 07.05.2024."),
    "bad_time": _l("Введите время так: 10:55."),
    "date_missing": _l("Ко времени нужна дата."),
    "reversed": _l("Конец раньше начала: поменяйте значения местами."),
    "bad_amount": _l("Введите сумму так: 1 200,50."),
    "bad_choice": _l("Такого значения нет: выберите из предложенных."),
    "bad_reference": _l("Выберите строку из подсказки или введите её номер."),
    "bad_number": _l("Введите номер или его начало: 7925."),
    "value_missing": _l("Заполните условие или уберите его."),
    "bad_text": _l("В тексте есть знаки, которых здесь быть не может."),
    "too_long": _l("Слишком длинный текст: не больше 200 знаков."),
}


def slip(code: str) -> str:
    """The sentence for a code of ``ListState.errors``."""
    found = _SLIPS.get(code)
    return gettext("Значение не подходит.") if found is None else str(found)
