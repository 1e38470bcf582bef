"""Words of incoming calls: what was done, and which rule decided (services.inbound_call)."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "job.inbound_call.export": _l("Выгрузка входящих"),
    "column.caller": _l("Кто звонил"),
    "column.to_phone": _l("На номер"),
    "column.done": _l("Что сделано"),
    "column.rule": _l("Почему"),
    "column.ended_at": _l("Конец"),
    "inbound_action.connect": _l("Соединён с владельцем"),
    "inbound_action.menu": _l("Меню рассылки"),
    "inbound_action.refuse": _l("Не принят"),
    "inbound.owner": _l("Личный номер: звонок идёт его владельцу."),
    "inbound.owner_calls": _l("Владелец позвонил на свой же номер, соединять не с кем."),
    "inbound.last_campaign": _l("С этого номера абоненту последней звонила эта рассылка."),
    "inbound.duty": _l("Дежурный номер: на него нельзя перезвонить."),
    "inbound.unknown_number": _l("Такого номера у сервиса нет."),
    "inbound.unproved": _l("Личный номер не подтверждён: кому он принадлежит, неизвестно."),
    "inbound.number_blocked": _l("Номер заблокирован."),
    "inbound.customer_blocked": _l("Клиент заблокирован."),
    "inbound.not_called": _l("С этого номера абоненту не звонили, отвечать некому."),
}
