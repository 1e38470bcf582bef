"""Sentences about promo codes."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "promo.empty": _l("Введите промокод."),
    "promo.not_found": _l("Такого промокода нет. Проверьте, нет ли опечатки."),
    "promo.expired": _l("Срок действия промокода истёк."),
    "promo.paused": _l("Промокод временно не действует. Попробуйте позже."),
    "promo.exhausted": _l("Промокод уже использован максимальное число раз."),
    "promo.already_used": _l("Вы уже активировали этот промокод."),
    "promo.too_many": _l("Слишком много неудачных попыток. Попробуйте после %(retry_at)s."),
    "promo.batch_not_found": _l("Такого выпуска промокодов нет."),
    "promo.state": _l("Выпуск уже в этом состоянии. Обновите страницу."),
    "promo.amount": _l("Номинал должен быть больше нуля и не больше %(limit)s."),
    "promo.count": _l("Выпустить можно от 0 до %(limit)s кодов за раз."),
    "promo.uses": _l("Число активаций одного кода: от 1 до %(limit)s."),
    "promo.past": _l("Срок действия уже прошёл: выберите будущую дату."),
    "promo.bad_date": _l("Введите дату так: 07.05.2027."),
    "promo.bad_code": _l("В коде должно быть от 8 до 32 латинских букв и цифр."),
    "promo.code_taken": _l("Этот код уже есть в другом выпуске."),
    "promo.bad_number": _l("Введите целое число."),
    "export.promo_code.code": _l("Промокод"),
    "export.promo_code.batch": _l("Выпуск"),
    "export.promo_code.amount": _l("Номинал"),
    "export.promo_code.uses_limit": _l("Активаций всего"),
    "export.promo_code.used_count": _l("Активировано"),
}
