"""People of a customer: invited by mail, given a role, switched off by an owner. Support's list builds on the same."""

from typing import Any, ClassVar

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user
from wtforms import EmailField, Form, SelectField, StringField

from callcab import config
from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import DomainError
from callcab.models import User, UserStatus
from callcab.scope import Actor
from callcab.services import forecasts, password, user
from callcab.services.specs.user import USER
from callcab.web import errors, letters, theme
from callcab.web.access import current_actor, current_scope, requires
from callcab.web.audit_words import ROLES
from callcab.web.formatters import moment, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, PageAction, fixed, outlook

STATUSES = {UserStatus.ACTIVE: _l("Работает"), UserStatus.DISABLED: _l("Отключён")}


def role_form(names: tuple[str, ...]) -> type[Form]:
    """A form that asks for one of the roles of a side."""

    class RoleForm(Form):
        role = SelectField(_l("Роль"), choices=[(name, ROLES[name]) for name in names], default=names[-1])

    return RoleForm


class InviteForm(Form):
    email = EmailField(_l("Email"), render_kw={"required": True, "maxlength": 254, "autocomplete": "off"})
    name = StringField(_l("Имя"), render_kw={"required": True, "maxlength": user.NAME_LIMIT, "autocomplete": "off"})
    role = SelectField(_l("Роль"), validate_choice=False)


def state_of(row: User) -> Any:
    """The status with its dot."""
    if row.status == UserStatus.DISABLED:
        return status(STATUSES[UserStatus.DISABLED], "bad")
    if user.awaiting(row):
        return status(_("Приглашён"), "warn")
    return status(STATUSES[UserStatus.ACTIVE], "good")


def disable(session: CabSession, rows: list[User], params: dict[str, Any], actor: Actor) -> None:
    for row in sorted(rows, key=lambda item: item.id):
        user.disable(session, customer_id=row.customer_id, user_id=row.id, actor=actor)


def enable(session: CabSession, rows: list[User], params: dict[str, Any], actor: Actor) -> None:
    for row in sorted(rows, key=lambda item: item.id):
        user.enable(session, customer_id=row.customer_id, user_id=row.id, actor=actor)


def change_role(session: CabSession, rows: list[User], params: dict[str, Any], actor: Actor) -> None:
    for row in sorted(rows, key=lambda item: item.id):
        user.change_role(
            session, customer_id=row.customer_id, user_id=row.id, role=str(params.get("role")), actor=actor
        )


def invite_again(session: CabSession, rows: list[User], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        invited = user.invite_again(session, customer_id=row.customer_id, user_id=row.id, actor=actor)
        send_invitation(session, invited)
    return _("Приглашение отправлено снова.")


def send_invitation(session: CabSession, invited: User) -> None:
    """Mail the link by which the person chooses a password."""
    key = config.secret_key(current_app.config["SETTINGS"])
    letters.post(
        session,
        "invite",
        recipient=invited.email,
        language=invited.language,
        customer_id=invited.customer_id,
        link=url_for("login.invite", token=password.sign_link(key, invited, password.INVITE_PURPOSE)),
        secret=True,
        place=current_user.customer_name or _("поддержка"),
    )


def person_actions(permission: str, names: tuple[str, ...]) -> tuple[Action, ...]:
    """What may be done to people, with the roles of their side."""
    return (
        Action(
            "role",
            _l("Сменить роль"),
            permission,
            icon="user-cog",
            perform=change_role,
            preview=outlook(
                lambda rows, params, actor: forecasts.change_role(rows, params["role"], actor) if params else None,
                field=_l("Роль"),
                values=ROLES,
            ),
            question=_l("Сменить роль? Выбрано людей: %(count)s."),
            fields=role_form(names),
        ),
        Action(
            "invite",
            _l("Пригласить снова"),
            permission,
            icon="mail",
            perform=invite_again,
            bulk=False,
            when=lambda row: user.awaiting(row) and row.status == UserStatus.ACTIVE,
        ),
        Action(
            "enable",
            _l("Включить"),
            permission,
            icon="user-check",
            perform=enable,
            preview=fixed(forecasts.enable_people, field=_l("Статус"), values=STATUSES),
            when=lambda row: row.status == UserStatus.DISABLED,
        ),
        Action(
            "disable",
            _l("Отключить"),
            permission,
            icon="user-off",
            perform=disable,
            preview=outlook(
                lambda rows, params, actor: forecasts.disable_people(rows, actor), field=_l("Статус"), values=STATUSES
            ),
            question=_l("Отключить? Сеансы сразу завершатся. Выбрано людей: %(count)s."),
            danger=True,
            when=lambda row: row.status == UserStatus.ACTIVE,
        ),
    )


class PeopleList(ListView):
    """What both sides share: columns, the invitation page."""

    group = theme.ACCESS
    icon = "users"
    edit_permission: ClassVar[str]
    role_names: ClassVar[tuple[str, ...]]
    columns = (
        Column("name", _l("Имя"), lambda row: row.name, kind="main"),
        Column("email", _l("Email"), lambda row: row.email),
        Column("role", _l("Роль"), lambda row: ROLES[row.role]),
        Column("status", _l("Статус"), state_of),
        Column("totp", _l("Вход по коду"), lambda row: _("включён") if row.totp_last_step is not None else ""),
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def invitation(self) -> ResponseReturnValue:
        """Answer the page that invites somebody."""
        form = InviteForm(request.form)
        form.role.choices = [(name, ROLES[name]) for name in self.role_names]
        if request.method == "GET":
            form.role.data = self.role_names[-1]
            return self._invitation_page(form)
        try:
            with unit_of_work(current_scope()) as session:
                invited = user.invite(
                    session,
                    customer_id=self.customer_id(),
                    email=_plain(form.email.data),
                    name=_plain(form.name.data),
                    role=form.role.data or "",
                    actor=current_actor(),
                )
                send_invitation(session, invited)
        except DomainError as problem:
            at_fault = form._fields.get(problem.field or "", form.email)
            at_fault.errors = [errors.message(problem)]
            return self._invitation_page(form), problem.status
        flash(_("Приглашение отправлено: %(email)s.", email=invited.email), "success")
        return redirect(f"{self.url}/", 303)

    def _invitation_page(self, form: InviteForm) -> str:
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Приглашение")}]
        return self.render("cabinet/users/new.html", form=form, target=f"{self.url}/new/", crumbs=crumbs)


class CabinetUsers(PeopleList):
    spec = USER
    face = "cabinet"
    slug = "users"
    label = _l("Пользователи")
    permission = "user.read"
    role_names = ("owner", "manager", "accountant", "operator", "viewer")
    filters = (
        FilterField("role", _l("Роль"), {name: ROLES[name] for name in role_names}),
        FilterField("status", _l("Статус"), STATUSES),
    )
    actions = person_actions("user.edit", role_names)
    page_actions = (PageAction(_l("Пригласить"), "/cabinet/users/new/", icon="user-plus", permission="user.edit"),)
    empty = Empty(_l("Здесь пока никого"), _l("Пригласите коллег: у каждого будет свой вход и своя роль."), "users")

    @expose("/new/", methods=("GET", "POST"))
    @requires("user.edit")
    def new_view(self) -> ResponseReturnValue:
        """Invite somebody by mail."""
        return self.invitation()


def cabinet_views() -> list[ListView]:
    return [CabinetUsers()]


def _plain(text: str | None) -> str:
    return (text or "").replace("\x00", "")
