"""Sentences about tables that support loads."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "audit.promo.load": _l("Загружены промокоды"),
    "job.customer.load": _l("Загрузка клиентов"),
    "job.number.load": _l("Загрузка номеров"),
    "job.promo_code.load": _l("Загрузка промокодов"),
    "loading.column_missing": _l("Выберите столбец для этого поля."),
    "loading.column_twice": _l("Один столбец выбран для двух полей."),
    "loading.name": _l("Название пустое или длиннее 200 знаков."),
    "loading.no_tariff": _l("Сначала отметьте тариф, который получают новые клиенты."),
    "loading.note_too_long": _l("Заметка длиннее 200 знаков."),
    "operation.undo.number.load": _l("Номера, которые уже побывали у рассылок или клиентов, останутся."),
    "operation.undo.promo_code.load": _l("Коды, которые уже активировали, останутся."),
}
