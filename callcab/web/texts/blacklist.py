"""Sentences of the blacklist, of phone numbers that were refused, and words of its export."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "blacklist.not_found": _l("Этого номера в списке уже нет."),
    "blacklist.no_numbers": _l("Введите или вставьте хотя бы один номер."),
    "blacklist.no_file": _l("Выберите файл с номерами."),
    "blacklist.source.hand": _l("Ручной ввод"),
    "blacklist.source.clipboard": _l("Буфер обмена"),
    "blacklist.source.file": _l("Файл базы"),
    "blacklist.source.ivr": _l("Условие IVR"),
    "blacklist.source.api": _l("API"),
    "blacklist.source.operator": _l("Отказ у оператора"),
    "column.author_name": _l("Кто"),
    "export.blacklist.created_at": _l("Добавлен"),
    "export.blacklist_support.created_at": _l("Добавлен"),
    "job.blacklist.delete": _l("Удаление из чёрного списка"),
    "job.blacklist.import": _l("Загрузка файла в чёрный список"),
    "job.blacklist.paste": _l("Добавление номеров в чёрный список"),
    "job.blacklist.to_platform": _l("Перенос на платформу"),
    "job.blacklist_support.export": _l("Выгрузка чёрных списков"),
}
