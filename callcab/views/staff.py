"""People of support, looked after by administrators."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import CabSession
from callcab.models import User
from callcab.scope import Actor
from callcab.services import second_factor
from callcab.services.specs.user import STAFF
from callcab.views.user import ROLES, STATUSES, PeopleList, person_actions
from callcab.web import theme
from callcab.web.access import requires
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Empty, FilterField, ListView, PageAction


def reset_factor(session: CabSession, rows: list[User], params: dict[str, Any], actor: Actor) -> str:
    """Switch off the second factor of people who lost their phones."""
    for row in sorted(rows, key=lambda item: item.id):
        second_factor.reset(session, user_id=row.id, actor=actor)
    return _("Вход по коду сброшен: при следующем входе хватит пароля.")


class SupportStaff(PeopleList):
    spec = STAFF
    face = "admin"
    slug = "staff"
    label = _l("Сотрудники")
    group = theme.SYSTEM
    permission = "staff.read"
    role_names = ("admin", "lead", "agent")
    filters = (
        FilterField("role", _l("Роль"), {name: ROLES[name] for name in role_names}),
        FilterField("status", _l("Статус"), STATUSES),
    )
    actions = (
        *person_actions("staff.edit", role_names),
        Action(
            "factor",
            _l("Сбросить вход по коду"),
            "staff.edit",
            icon="shield-x",
            perform=reset_factor,
            question=_l("Сбросить вход по коду? Выбрано людей: %(count)s."),
            danger=True,
            bulk=False,
            when=lambda row: row.totp_last_step is not None,
        ),
    )
    page_actions = (PageAction(_l("Пригласить"), "/admin/staff/new/", icon="user-plus", permission="staff.edit"),)
    empty = Empty(_l("Здесь пока никого"), "", "users")

    @expose("/new/", methods=("GET", "POST"))
    @requires("staff.edit")
    def new_view(self) -> ResponseReturnValue:
        """Invite a member of support by mail."""
        return self.invitation()


def support_views() -> list[ListView]:
    return [SupportStaff()]
