"""Sentences of customers."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "customer.is_blocked": _l("Клиент уже заблокирован."),
    "customer.not_blocked": _l("Клиент не заблокирован."),
    "label.part_missing": _l("Маркировка бывает только целой: заполните все три поля или очистите их."),
    "label.characters": _l("Прямые кавычки, угловые скобки и обратную косую черту оператор не передаст. Уберите их."),
    "customer.status.active": _l("Активен"),
    "customer.status.blocked": _l("Заблокирован"),
    "column.lines": _l("Линий во всех рассылках"),
    "column.calls_per_second": _l("Звонков в секунду"),
    "audit.customer.create": _l("Клиент создан"),
    "audit.customer.edit": _l("Данные клиента изменены"),
    "audit.customer.block": _l("Клиент заблокирован"),
    "audit.customer.unblock": _l("Клиент разблокирован"),
    "audit.customer.forget": _l("Загруженный клиент убран"),
}
