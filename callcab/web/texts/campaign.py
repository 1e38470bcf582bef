"""Sentences about campaigns and why a number is not called."""

from callcab.web.language import lazy_gettext as _l

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
    "campaign.drift": _l(
        "Пока вы смотрели, список изменился: не позвоним %(never)s из %(total)s номеров. Проверьте и запустите снова."
    ),
    "campaign.nobody_left": _l("Звонить некому: все номера под запретом. Посмотрите причины и исправьте список."),
    "campaign.test_too_soon": _l("На этот номер звонили меньше %(minutes)s минут назад. Подождите и повторите."),
    "campaign.no_voice": _l("Голос робота сейчас недоступен. Повторите позже или загрузите аудиозапись."),
    "contact_state.new": _l("Ещё не звонили"),
    "contact_state.calling": _l("Звоним"),
    "contact_state.waiting": _l("Ждёт следующей попытки"),
    "contact_state.done": _l("Обзвонен"),
    "contact_state.refused": _l("Не звонили"),
    "job.campaign_contact.export": _l("Выгрузка результатов рассылки"),
    "column.attempts": _l("Попыток"),
    "column.called_at": _l("Последний звонок"),
    "audit.campaign.clone": _l("Рассылка скопирована"),
    "audit.campaign.test": _l("Заказан пробный звонок"),
    "campaign.no_days": _l("Отметьте хотя бы один день недели."),
    "campaign.last_day_early": _l("Последний день раньше начала. Исправьте одну из дат."),
    "campaign.over": _l("Последний день рассылки прошёл. Скопируйте её и укажите новый срок."),
    "campaign.scheduled": _l("Начнётся в назначенное время."),
    "campaign.over_customer_limit": _l("Вам разрешено не больше %(limit)s во всех рассылках сразу."),
    "campaign.out_of_range": _l("Укажите число от %(low)s до %(high)s."),
    "campaign.digit_twice": _l("Для цифры %(digit)s два правила. Оставьте одно."),
    "campaign.transfer_number": _l(
        "Выберите свой подтверждённый номер. Добавить и подтвердить номер можно в разделе «Номера телефонов»."
    ),
    "campaign.unknown_variable": _l(
        "Переменной {%(name)s} нет у всех контактов. Есть: %(known)s. Уберите её из текста или выберите другой список."
    ),
    "campaign.no_variables": _l(
        "У контактов нет переменной {%(name)s}. Переменные бывают у списков контактов, у вставленных номеров их нет."
    ),
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
