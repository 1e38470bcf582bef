"""Sentences for the slips that ``services.listing`` finds."""

from callcab.web.language import gettext
from callcab.web.language import lazy_gettext as _l

# In the empty field of a search for numbers (``listing.phone_search``).
NUMBER_HINT = _l("Номер, часть или *4577 в конце")

_SLIPS = {
    "bad_date": _l("Введите дату так: 07.05.2024."),
    "bad_time": _l("Введите время так: 10:55."),
    "date_missing": _l("Ко времени нужна дата."),
    "reversed": _l("Конец раньше начала: поменяйте значения местами."),
    "bad_amount": _l("Введите сумму так: 1 200,50."),
    "bad_choice": _l("Такого значения нет: выберите из предложенных."),
    "bad_reference": _l("Выберите строку из подсказки или введите её номер."),
    "value_missing": _l("Заполните условие или уберите его."),
    "bad_text": _l("В тексте есть знаки, которых здесь быть не может."),
    "too_long": _l("Слишком длинный текст: не больше 200 знаков."),
}


def slip(code: str) -> str:
    """The sentence for a code of ``ListState.errors``."""
    found = _SLIPS.get(code)
    return gettext("Значение не подходит.") if found is None else str(found)
