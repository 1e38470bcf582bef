"""The numbers of contact lists: searched, taken out, downloaded. Reached from a list's page, not from the menu."""

from typing import Any

from flask_babel import ngettext

from callcab.services import contact_list, forecasts
from callcab.services.specs.contact_list import LIST_ENTRY
from callcab.views.lookups import CONTACT_LISTS
from callcab.web import theme
from callcab.web.formatters import link, moment, number, phone
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Action, Column, Empty, FilterField, ListView, fixed


class ListEntries(ListView):
    """What both sides share."""

    spec = LIST_ENTRY
    search_hint = NUMBER_HINT
    slug = "list-entries"
    label = _l("Номера списков")
    group = theme.TELEPHONY
    icon = "users"
    permission = "contact_list.read"
    menu_visible = False
    search_label = _l("Поиск номера")
    filters: Any = (
        FilterField("list", _l("Список"), lookup=CONTACT_LISTS),
        FilterField("created", _l("Добавлен")),
    )
    empty = Empty(_l("Номеров пока нет"), _l("Добавьте их на странице списка."), "users")

    def name_of(self, row: Any) -> str:
        return phone(row.phone)


def _columns(face: str) -> Any:
    return (
        Column("phone", _l("Номер телефона"), lambda row: phone(row.phone), kind="main phone"),
        Column("variables", _l("Переменные"), contact_list.variables_text),
        Column(
            "list",
            _l("Список"),
            lambda row: link(f"/{face}/contact-lists/details/?id={row.contact_list_id}", row.contact_list.name),
        ),
        Column("created_at", _l("Добавлен"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )


class CabinetListEntries(ListEntries):
    face = "cabinet"
    columns = _columns("cabinet")
    export_permission = "contact_list.export"
    actions = (
        Action(
            "delete",
            _l("Удалить"),
            "contact_list.edit",
            icon="trash",
            operation="list_entry.delete",
            preview=fixed(forecasts.everything),
            question=lambda count: ngettext(
                "Удалить %(count)s номер из списка?",
                "Удалить номера из списка: %(count)s?",
                count,
                count=number(count),
            ),
            danger=True,
            whole=True,
        ),
    )


class SupportListEntries(ListEntries):
    face = "admin"
    columns = _columns("admin")
