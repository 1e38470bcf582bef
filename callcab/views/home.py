"""First pages of both sides."""

from flask_admin import AdminIndexView, expose
from flask_babel import lazy_gettext as _l

from callcab.web.access import Page


class Home(Page, AdminIndexView):
    """What a person sees after signing in."""

    permission = "home.read"

    @expose("/")
    def index(self) -> str:
        return self.render(self._template)


class SupportHome(Home):
    def __init__(self) -> None:
        super().__init__(name=_l("Сводка"), url="/admin", endpoint="admin", template="support/home/index.html")


class CabinetHome(Home):
    def __init__(self) -> None:
        super().__init__(name=_l("Главная"), url="/cabinet", endpoint="cabinet", template="cabinet/home/index.html")
