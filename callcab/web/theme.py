"""The frame of pages: two faces of Flask-Admin (support and cabinet), menu, header, and what templates may use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request
from flask_admin import Admin
from flask_admin.theme import Theme
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from callcab.web import carried, formatters
from callcab.web.assets import asset_filter
from callcab.web.icons import icon
from callcab.web.language import lazy_gettext as _l
from callcab.web.language import page_language

# The order of the groups in the menu; a view names its group as Flask-Admin's category.
TELEPHONY = _l("Телефония")
FINANCE = _l("Финансы")
ACCESS = _l("Доступ")
SYSTEM = _l("Система")
# Pages that the header leads to, when they are there and open to the person.
_HEADER_PAGES = ("search", "payments", "invoices", "jobs", "profile", "keys")
GROUPS = (TELEPHONY, FINANCE, ACCESS, SYSTEM)


@dataclass(frozen=True)
class MenuLine:
    """One line of a menu."""

    name: Any
    url: str
    icon: str


@dataclass(frozen=True)
class MenuGroup:
    """Lines under a heading; lines without a group stand above all headings."""

    name: Any
    entries: Sequence[MenuLine]


@dataclass
class Face(Theme):
    """A look for one Admin object. Stock templates still resolve below ours (rule U2)."""

    folder: str = "bootstrap4"
    base_template: str = "layout/base.html"
    label: Any = ""
    search: bool = False


STAFF_FACE = Face(label=_l("Поддержка"), search=True)
CABINET_FACE = Face(label=_l("Личный кабинет"))


@dataclass(frozen=True)
class Fixed:
    """What all of a role see in a language and colours: the sidebar, the beginning of the header and its tools, and the
    addresses of the pages that the header names."""

    sidebar: str
    start: Markup
    tools: Markup
    pages: Mapping[str, str]


@dataclass(frozen=True)
class Frame:
    """All that the sidebar and the header show."""

    sidebar: Markup
    start: Markup
    tools: Markup
    balance: str | None = None
    payments_url: str = ""
    pay_url: str = ""
    user_name: str = ""
    user_note: str = ""
    user_links: Sequence[MenuLine] = ()
    sign_out_url: str = "/logout"
    stripe: Any = ""


def init_theme(app: Flask) -> None:
    """Give templates the icons, formats and the frame. Call it before the Admin objects are made."""
    # A filter of a constant is worked out when its template is compiled; a function would be called for every page.
    app.jinja_env.filters.update(formatters.FILTERS, icon=icon, asset=asset_filter(app))
    app.jinja_env.globals.update(page_frame=page_frame, page_language=page_language, colours=colours)
    # After Flask-WTF's own, so that this one is found.
    app.context_processor(lambda: {"csrf_token": form_token})
    app.jinja_env.globals["csrf_token"] = form_token
    app.jinja_env.trim_blocks = False


def form_token() -> str:
    """The token of every form of the page, made once; Flask-WTF would read its settings for each."""
    found = carried.token.get()
    if found is None:
        found = generate_csrf()
        carried.carry(carried.token, found)
    return found


def colours() -> str:
    """`light` or `dark` as chosen by the person, else empty: the system decides before the first paint."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""


@pass_context
def page_frame(context: Context) -> Frame:
    """The frame of the page that is being drawn."""
    admin, person = _admin_of(context), carried.who.get() or current_user
    if admin is None or not person.is_authenticated:
        return Frame(_opened(_sidebar("/", "", ()), None), *_topbar())
    fixed = _fixed(admin, person.role)
    return Frame(
        sidebar=_opened(fixed.sidebar, context.get("admin_view")),
        start=fixed.start,
        tools=fixed.tools,
        balance=_balance(),
        payments_url=fixed.pages["payments"],
        pay_url=fixed.pages["invoices"],
        user_name=person.name or person.email,
        user_note=person.email,
        user_links=user_links(fixed.pages["profile"], fixed.pages["keys"]),
        stripe=g.get("stripe", ""),
    )


def _fixed(admin: Admin, role: str) -> Fixed:
    """Drawn once in a process for each face, role, language and colours.

    What a person may open is decided by side and role alone (``listing.access``), what is visible by the settings.
    """
    known: dict[tuple[str, ...], Fixed] = current_app.extensions.setdefault("callcab.frames", {})
    key = (admin.url, role, page_language(), colours())
    if key not in known:
        known[key] = _draw_fixed(admin)
    return known[key]


def _draw_fixed(admin: Admin) -> Fixed:
    base = admin.url.rstrip("/")
    addresses = {f"{base}/{name}": name for name in _HEADER_PAGES}
    pages = dict.fromkeys(_HEADER_PAGES, "") | {
        addresses[view.url]: f"{view.url}/" for view in admin._views if view.url in addresses and view.is_accessible()
    }
    face_name = admin.theme.label if isinstance(admin.theme, Face) else ""
    sidebar = _sidebar(f"{base}/", face_name, menu_groups(admin))
    return Fixed(sidebar, *_topbar(pages["search"], pages["jobs"]), pages)


def _topbar(search_url: str = "", jobs_url: str = "") -> tuple[Markup, Markup]:
    parts: Any = current_app.jinja_env.get_template("layout/_topbar_fixed.html").module
    return parts.start(search_url), parts.tools(jobs_url)


def _sidebar(home_url: str, face_name: Any, groups: Sequence[MenuGroup]) -> str:
    template = current_app.jinja_env.get_template("layout/_sidebar.html")
    return template.render(home_url=home_url, face_name=face_name, groups=groups)


def _opened(sidebar: str, view: Any) -> Markup:
    """The sidebar with the line of this view marked as the page that is open."""
    menu = getattr(view, "menu", None)
    if menu is not None:
        line = f'<a class="nav-item-link" href="{menu.get_url()}"'
        sidebar = sidebar.replace(line, f'{line} aria-current="page"', 1)
    return Markup(sidebar)  # noqa: S704 - a template's output


def user_links(profile_url: str, keys_url: str) -> list[MenuLine]:
    """Lines of the user menu above «Выйти»."""
    lines = (
        MenuLine(_l("Профиль и безопасность"), profile_url, "user-circle"),
        MenuLine(_l("Горячие клавиши"), keys_url, "keyboard"),
    )
    return [line for line in lines if line.url]


def menu_groups(admin: Admin) -> list[MenuGroup]:
    """The menu of an Admin object, confined to what the person may open."""
    loose: list[MenuLine] = []
    grouped: dict[str, list[MenuLine]] = {}
    titles: dict[str, Any] = {}
    for item in admin.menu():
        if not (item.is_accessible() and item.is_visible()):
            continue
        if item.is_category():
            titles[str(item.name)] = item.name
            grouped[str(item.name)] = [_line(child) for child in item.get_children()]
        else:
            loose.append(_line(item, "home" if item.get_url() == f"{admin.url}/" else "list"))
    order = {str(name): place for place, name in enumerate(GROUPS)}
    names = sorted(grouped, key=lambda name: order.get(name, len(order)))
    found = [MenuGroup("", loose)] if loose else []
    return found + [MenuGroup(titles[name], grouped[name]) for name in names if grouped[name]]


def _line(item: Any, icon_name: str = "list") -> MenuLine:
    return MenuLine(item.name, item.get_url() or "", item.get_icon_value() or icon_name)


def _admin_of(context: Context) -> Admin | None:
    view = context.get("admin_view")
    if view is not None:
        admin: Admin = view.admin
        return admin
    admins: list[Admin] = current_app.extensions.get("admin", [])
    if not current_user.is_authenticated:
        return None
    wanted = "/admin" if current_user.is_staff else "/cabinet"
    return next((admin for admin in admins if admin.url == wanted), None)


def _balance() -> str | None:
    reader: Callable[[], Any] | None = current_app.extensions.get("callcab.balance")
    amount = reader() if reader else None
    return None if amount is None else formatters.money(amount)
