"""The form that all others are made from: what WTForms finds wrong by itself is said in our words."""

from typing import Any

import wtforms

from callcab.web.language import lazy_gettext as _l

_CHOICE = _l("Выберите значение из списка.")
_WHOLE = _l("Введите целое число.")
# What WTForms says -> what we say; a sentence that is missing here fails a test.
WORDS: dict[str, Any] = {
    "This field is required.": _l("Заполните это поле."),
    "Not a valid choice.": _CHOICE,
    "Invalid Choice: could not coerce.": _CHOICE,
    "Not a valid integer value.": _WHOLE,
    "Not a valid date value.": _l("Введите дату так: 07.05.2024."),
    "Not a valid time value.": _l("Введите время так: 10:55."),
    "Number must be between %(min)s and %(max)s.": _l("Укажите число от %(min)s до %(max)s."),
    "Field cannot be longer than %(max)d characters.": _l("Слишком длинно: не больше %(max)d знаков."),
}


class Translations:
    """Looks up the words of a form in place of the catalogues that WTForms brings along."""

    def gettext(self, string: str) -> str:
        return str(WORDS.get(string, string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return str(WORDS.get(plural, plural))


class Form(wtforms.Form):
    """A form with our sentences."""

    class Meta:
        def get_translations(self, form: wtforms.Form) -> Translations:
            return Translations()
