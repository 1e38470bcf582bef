"""A small application around list views of the test's own, so that the base is tested apart from the sections."""

from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_babel import Babel
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFProtect
from wtforms import Form, StringField, validators

from callcab.app import ROOT
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, Customer, User
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListSpec, Lookup, Sort
from callcab.web import carried, errors, formatters, theme
from callcab.web.database import db
from callcab.web.listing import Action, Column, FilterField, ListView, PageAction, Tab
from callcab.web.listing.access import request_scope

SPEC = listing.register(
    ListSpec(
        name="test-web-blacklist",
        model=BlacklistEntry,
        sorts={"created_at": Sort(BlacklistEntry.created_at), "phone": Sort(BlacklistEntry.phone)},
        default_sort="-created_at",
        filters=(
            listing.ChoiceFilter("source", BlacklistEntry.source, choices=BlacklistSource),
            listing.DateTimeRange("created", BlacklistEntry.created_at),
            listing.ReferenceFilter("customer", BlacklistEntry.customer_id),
        ),
        search=lambda text: BlacklistEntry.phone == int(text) if text.isascii() and text.isdigit() else None,
    )
)


class ReasonForm(Form):
    reason = StringField("Причина", [validators.InputRequired("Укажите причину.")])


def mark(session: Any, rows: Any, params: dict[str, Any], actor: Any) -> str:
    for row in rows:
        row.reason = params["reason"]
    return f"Отмечено: {len(rows)}"


class Blacklist(ListView):
    spec = SPEC
    slug = "blacklist"
    label = "Чёрный список"
    group = theme.TELEPHONY
    icon = "ban"
    permission = "blacklist.read"
    export_permission = "blacklist.export"
    can_view_details = True
    columns = (
        Column(
            "phone", "Номер телефона", lambda row: formatters.phone(row.phone), sort="phone", kind="main", link=True
        ),
        Column("reason", "Причина", lambda row: row.reason),
        Column("created_at", "Добавлен", lambda row: formatters.moment(row.created_at), sort="created_at"),
    )
    filters = (
        FilterField("source", "Источник", {"hand": "Ручной ввод"}),
        FilterField("created", "Добавлен"),
        FilterField("customer", "Клиент", lookup=Lookup(Customer)),
    )
    actions = (
        Action(
            "delete",
            "Удалить",
            "blacklist.delete",
            icon="trash",
            operation="test-web.delete",
            question="Удалить номеров: %(count)s?",
            danger=True,
            whole=True,
        ),
        Action(
            "mark",
            "Указать причину",
            "blacklist.edit",
            icon="edit",
            perform=mark,
            question="Указать причину у номеров: %(count)s?",
            fields=ReasonForm,
        ),
        Action("fail", "Сломать", "blacklist.edit", perform=lambda *args: len(5), row=True, bulk=False),  # type: ignore[arg-type]
    )
    page_actions = (PageAction("Добавить номера", "/cabinet/blacklist/new/", permission="blacklist.edit"),)
    tabs = (Tab("again", "Ещё", "callcab/details.html", load=lambda session, row: {"facts": [("Код", row.id)]}),)

    def name_of(self, row: BlacklistEntry) -> str:
        return formatters.phone(row.phone)


class SupportBlacklist(Blacklist):
    face = "admin"


class CabinetBlacklist(Blacklist):
    face = "cabinet"


class Person(UserMixin):
    """Signed in by a header of the test."""

    def __init__(self, row: User) -> None:
        for name in ("id", "name", "email", "role", "customer_id", "is_staff", "list_settings"):
            setattr(self, name, getattr(row, name))
        self.viewed_lists: tuple[str, ...] = ()


def make_app(settings: Settings) -> Flask:
    app = Flask("callcab", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "callcab" / "static"))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        DATABASE_POOL=5,
        BABEL_DEFAULT_LOCALE="ru",
        TESTING=True,
        PROPAGATE_EXCEPTIONS=False,
    )
    carried.init_app(app)
    db.init_app(app)
    errors.init_app(app)
    Babel(app)
    CSRFProtect(app)
    manager = LoginManager(app)
    manager.request_loader(_load)
    app.before_request(_assume)
    theme.init_theme(app)
    for face, look, view in (
        ("admin", theme.STAFF_FACE, SupportBlacklist),
        ("cabinet", theme.CABINET_FACE, CabinetBlacklist),
    ):
        admin = Admin(app, endpoint=face, url=f"/{face}", theme=look)
        admin.add_view(view())
    return app


def _load(request: Any) -> Person | None:
    who = request.headers.get("X-User", "")
    if not who:
        return None
    with unit_of_work(Scope.system("test")) as session:
        return Person(session.get_one(User, int(who)))


def _assume() -> None:
    if current_user.is_authenticated:
        db.session().assume(request_scope())
