"""Sentences about campaigns and why a number is not called."""

from flask_babel import lazy_gettext as _l

TEXTS = {
    "campaign.not_found": _l("Такой рассылки нет."),
    "campaign.state": _l("Рассылка уже в другом состоянии. Обновите страницу."),
    "campaign.starting": _l("Запускается."),
    "campaign.no_consent": _l(
        "Реклама роботом без согласия запрещена (38-ФЗ, ст. 18). Опишите, как и когда получено согласие абонентов."
    ),
    "campaign.no_contacts": _l("В списке нет ни одного номера, на который можно позвонить."),
    "campaign.list_too_long": _l("Слишком большой список: не больше %(limit)s номеров в рассылке."),
    "campaign.hours": _l("Конец звонков должен быть позже начала."),
    "campaign.out_of_range": _l("Укажите число от %(low)s до %(high)s."),
    "campaign.digit_twice": _l("Для цифры %(digit)s два правила. Оставьте одно."),
    "campaign.digit": _l("Правило возможно для одной клавиши: 0–9, * или #."),
    "allowed": _l("Позвонить можно."),
    "blacklist.platform": _l("Номер в чёрном списке платформы."),
    "blacklist.own": _l("Номер в чёрном списке клиента."),
    "campaign.is_paused": _l("Рассылку поставили на паузу раньше, чем телефон зазвонил."),
    "campaign.is_stopped": _l("Рассылку остановили раньше, чем телефон зазвонил."),
    "campaign.is_finished": _l("Рассылка уже завершена."),
    "campaign.is_draft": _l("Рассылка ещё не запущена."),
    "hours.closed": _l("У абонента сейчас нерабочее для звонков время."),
    "call.attempts_used": _l("Все попытки дозвона использованы."),
    "call.too_soon": _l("На этот номер звонили меньше 10 минут назад."),
    "call.debt_limit": _l("Достигнут предел звонков должнику (230-ФЗ)."),
}
