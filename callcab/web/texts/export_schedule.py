"""Sentences about files that come by themselves."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "audit.export_schedule.create": _l("Файл по расписанию заведён"),
    "audit.export_schedule.delete": _l("Файл по расписанию удалён"),
    "audit.export_schedule.pause": _l("Файл по расписанию на паузе"),
    "audit.export_schedule.resume": _l("Файл по расписанию снова собирается"),
    "audit.field.period": _l("Как часто"),
    "export_schedule.day": _l("Такого дня нет. Выберите другой."),
    "export_schedule.limit": _l("У одного человека не больше %(limit)s файлов по расписанию. Удалите лишние."),
    "export_schedule.not_found": _l("Такого расписания нет: его удалили."),
    "export_schedule.period.daily": _l("Каждый день"),
    "export_schedule.period.weekly": _l("Каждую неделю"),
    "export_schedule.period.monthly": _l("Каждый месяц"),
    "export_schedule.ready.subject": _l("Файл готов: %(view)s"),
    "export_schedule.ready.letter": _l(
        "Файл по расписанию готов: «%(view)s».\n\nСкачать его можно 24 часа, после входа:\n%(link)s\n\n"
        "Отменить или приостановить: Операции, «По расписанию»."
    ),
    "export_schedule.failed.subject": _l("Файл не собрался: %(view)s"),
    "export_schedule.failed.letter": _l(
        "Файл по расписанию не собрался: «%(view)s».\n\nПричина. %(reason)s\n\n"
        "Что сделать: откройте вид и скачайте файл сами, или дождитесь следующего: он соберётся в свой срок. "
        "Если не соберётся и он, напишите в поддержку и пришлите адрес этой операции:\n%(link)s"
    ),
    "export_schedule.stopped.subject": _l("Файл больше не собирается: %(view)s"),
    "export_schedule.stopped.letter": _l(
        "Файл по расписанию больше не собирается: «%(view)s».\n\nПричина. %(reason)s\n\n"
        "Что сделать: откройте вид и сохраните его заново, или попросите владельца кабинета вернуть вам право "
        "выгружать. Потом нажмите «Возобновить»:\n%(link)s"
    ),
}
