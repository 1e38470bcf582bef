"""The sheet of keys: what the keyboard does on lists and everywhere. Opened by «?», and from the person's menu."""

from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.web.access import Page
from callcab.web.language import lazy_gettext as _l

# As static/js/keys.js has them.
KEYS = (
    (("/",), _l("Поиск")),
    (("J", "K"), _l("Следующая и предыдущая строка списка")),
    (("X",), _l("Отметить строку или снять отметку")),
    (("A",), _l("Перейти к действиям с отмеченными строками")),
    (("E",), _l("Изменить ячейку строки, если её можно менять в списке")),
    (("Enter", "O"), _l("Открыть строку")),
    (("P",), _l("Показать строку рядом со списком, на широком экране")),
    (("Esc",), _l("Закрыть окно, меню или запись рядом")),
    (("?",), _l("Показать эту памятку")),
)


class KeySheet(Page):
    permission = "home.read"
    menu_hidden = True

    def __init__(self, face: str) -> None:
        super().__init__(name=_l("Горячие клавиши"), endpoint=f"{face}_keys", url=f"/{face}/keys")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What each key does."""
        return self.render("callcab/keys.html", keys=KEYS, crumbs=[])


def support_views() -> list[KeySheet]:
    return [KeySheet("admin")]


def cabinet_views() -> list[KeySheet]:
    return [KeySheet("cabinet")]
