"""Sentences about saved views of lists."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "saved_view.not_found": _l("Такого вида нет: его удалили, или он не общий."),
    "saved_view.nothing": _l("Сохранять нечего: сначала найдите, отберите или упорядочьте строки."),
    "saved_view.name_taken": _l("У вас уже есть вид с таким названием. Назовите этот иначе."),
    "saved_view.limit": _l("В одном списке не больше %(limit)s видов. Удалите лишние."),
}
