"""Sentences of contact lists."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "contact_list.not_found": _l("Такого списка контактов нет."),
    "contact_list.source_short": _l("Опишите, откуда согласие: хотя бы %(limit)s знаков."),
    "contact_list.no_date": _l("Укажите, когда получено согласие."),
    "contact_list.no_source": _l("Укажите, откуда согласие: без этого дата ничего не доказывает."),
    "contact_list.date": _l("Введите дату согласия так: 07.05.2024. Она не может быть в будущем."),
    "contact_list.full": _l("В список помещается не больше %(limit)s номеров. Разделите его на несколько."),
    "contact_list.name_twice": _l("Два столбца называются «%(name)s». Переименуйте один из них."),
    "contact_list.too_many_variables": _l("В списке может быть не больше %(limit)s переменных. Сотрите лишние имена."),
    "contact_list.value_too_long": _l("Значение в одном из столбцов длиннее 199 знаков."),
    "job.contact_list.import": _l("Загрузка файла в список контактов"),
    "job.contact_list.paste": _l("Добавление номеров в список контактов"),
    "job.contact_list.delete": _l("Удаление списков контактов"),
    "job.list_entry.delete": _l("Удаление номеров из списка контактов"),
    "job.list_entry.export": _l("Выгрузка номеров списков"),
    "audit.contact_list.create": _l("Создан список контактов"),
    "audit.contact_list.edit": _l("Изменён список контактов"),
    "audit.section.contact_list": _l("Списки контактов"),
    "audit.section.list_entry": _l("Номера списков"),
    "audit.field.consent": _l("Согласие"),
    "audit.field.consent_source": _l("Откуда согласие"),
    "audit.field.consent_on": _l("Дата согласия"),
    "column.variables": _l("Переменные"),
    "column.list": _l("Список"),
}
