"""Sentences about API tokens."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "cursor.bad": _l("Курсор не подходит к этому списку. Начните с первой страницы."),
    "token.missing": _l("Нужен действующий ключ API."),
    "token.scope": _l("У ключа нет права %(scope)s."),
    "token.scopes": _l("Отметьте хотя бы одно право из списка."),
    "token.expiry": _l("Срок ключа — от завтрашнего дня до года вперёд."),
    "token.limit": _l("Действующих ключей уже %(limit)s. Отзовите лишний."),
    "token.not_found": _l("Этот ключ уже отозван."),
}
