"""Sentences and words of requests to be called back."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "callback.not_found": _l("Такой заявки нет."),
    "callback_state.new": _l("Новая"),
    "callback_state.done": _l("Обработана"),
    "column.done_at": _l("Обработана"),
    "column.done_name": _l("Кто"),
    "job.callback_request.export": _l("Выгрузка заявок на звонок"),
    "audit.callback.done": _l("Заявка на звонок обработана"),
    "audit.callback.reopen": _l("Заявка на звонок снова новая"),
    "audit.section.callback": _l("Заявки на звонок"),
}
