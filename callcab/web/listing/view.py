"""The base of all list pages in the back office and in the cabinet."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user

from callcab.lib.errors import DomainError
from callcab.services.listing import ListSpec, get_one
from callcab.web.auth import to_sign_in
from callcab.web.database import db
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import acting, cells, column_menu, conditions, filing, page, saved
from callcab.web.listing.access import may, on_side, request_customer_id
from callcab.web.listing.declare import Action, CellEdit, Column, Empty, FilterField, PageAction, RowLink, Tab


class ListView(ModelView):
    """One list with its details, bulk actions and export.

    Closed by default: nothing can be created, edited or deleted here; what may be done is an ``Action`` that a service
    carries out. Flask-Admin gives registration, menu and endpoint names; its own create, edit, delete and inline-edit
    doors do not exist (they load any id, security.md). All doors read through ``callcab.services.listing``.
    """

    # Declared by the section
    spec: ClassVar[ListSpec]
    face: ClassVar[str] = "admin"
    slug: ClassVar[str]
    label: ClassVar[Any]
    group: ClassVar[Any] = None
    icon: ClassVar[str] = "list"
    permission: ClassVar[str] = ""
    export_permission: ClassVar[str] = ""
    columns: ClassVar[Sequence[Column]] = ()
    filters: ClassVar[Sequence[FilterField]] = ()
    actions: ClassVar[Sequence[Action]] = ()
    row_links: ClassVar[Sequence[RowLink]] = ()
    page_actions: ClassVar[Sequence[PageAction]] = ()
    tabs: ClassVar[Sequence[Tab]] = ()
    edits: ClassVar[Sequence[CellEdit]] = ()
    inline_actions: ClassVar[bool] = False
    intro: ClassVar[Any] = ""
    search_label: ClassVar[Any] = _l("Поиск")
    search_hint: ClassVar[Sequence[Any]] = ()
    empty: ClassVar[Empty] = Empty(_l("Здесь пока ничего нет"))
    menu_visible: ClassVar[bool] = True

    can_create = can_edit = can_delete = can_export = False
    can_view_details = False
    can_set_page_size = False
    list_template = "callcab/list.html"
    details_template = "callcab/details.html"

    # Doors of Flask-Admin that this base closes: without the attribute no address is registered.
    create_view = edit_view = delete_view = ajax_update = ajax_lookup = None  # type: ignore[assignment]

    def __init__(self, **options: Any) -> None:
        """``options`` go to Flask-Admin; the name, group, endpoint and address come from the class."""
        options = {
            "name": self.label,
            "category": self.group,
            "endpoint": f"{self.face}_{self.slug.replace('-', '_')}",
            "url": self.slug,
            "menu_icon_value": self.icon,
            **options,
        }
        super().__init__(self.spec.model, db, **options)

    def _refresh_cache(self) -> None:
        """Nothing is guessed from the model: columns, filters and forms are declared."""
        self._list_columns: list[Any] = []

    # Who may

    def is_accessible(self) -> bool:
        return on_side(self.url or "") and may(self.permission)

    def is_visible(self) -> bool:
        return self.menu_visible

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Sign in first; what another side has is not there at all; what the role lacks is refused."""
        if not current_user.is_authenticated:
            return to_sign_in()
        return abort(403 if on_side(self.url or "") else 404)

    def customer_id(self) -> int | None:
        """The customer whose rows are shown; None for support."""
        return request_customer_id()

    @cached_property
    def filter_names(self) -> frozenset[str]:
        """The arguments of an address that its filters read."""
        return frozenset(name for item in self.filters for name in self.spec.by_key[item.key].params)

    # Words and addresses that a section may override

    def name_of(self, row: Any) -> str:
        """What a row is called in labels and titles."""
        return str(row.id)

    def facts_of(self, row: Any) -> Sequence[tuple[Any, Any]]:
        """Names and values of the tab «Обзор»: the columns unless a section knows better."""
        return [(column.label, column.cell(row)) for column in self.columns]

    def list_extras(self) -> dict[str, Any]:
        """More variables for a list template of the section's own (it extends callcab/list.html)."""
        return {}

    def operation_url(self, operation: Any) -> str:
        """Where the progress of a started operation is shown."""
        return f"/{self.face}/jobs/details/?id={operation.id}"

    def undo_url(self, operation: Any) -> str:
        """Where one is asked whether to undo it."""
        return f"/{self.face}/jobs/undo/?id={operation.id}"

    # Doors

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The list."""
        context = page.list_context(self, column_menu.shown(self)) | column_menu.list_context(self)
        context |= saved.list_context(self, context["here"]) | self.list_extras()
        return self.render(self.list_template, crumbs=[], **context)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """One row with its tabs; an id that is not in this list is not found."""
        if not self.can_view_details:
            abort(404)
        row = self.row_or_404(request.args.get("id", ""))
        tabs = [tab for tab in self.tabs if not tab.permission or may(tab.permission)]
        wanted = request.args.get("tab", "")
        tab = next((item for item in tabs if item.key == wanted), None)
        if wanted and tab is None:
            abort(404)
        context: dict[str, Any] = {
            "row": row,
            "tab": tab,
            "tabs": self._tab_lines(row, tabs, wanted),
            "title": self.name_of(row),
            "facts": None if tab else self.facts_of(row),
            "row_actions": self._row_actions(row),
            "row_links": self._row_links(row),
            "crumbs": [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": self.name_of(row)}],
        }
        if tab and tab.load:
            context.update(tab.load(db.session(), row))
        return self.render(tab.template if tab else self.details_template, **context)

    @expose("/conditions/", methods=("GET", "POST"))
    def conditions_view(self) -> ResponseReturnValue:
        """Filters joined by AND and OR, row by row."""
        return conditions.answer(self)

    @expose("/cell/", methods=("GET", "POST"))
    def cell_view(self) -> ResponseReturnValue:
        """One field of one row."""
        return cells.answer(self)

    @expose("/facets/")
    def facets_view(self) -> ResponseReturnValue:
        """Counts on the chips of the filter panel."""
        return jsonify(page.facet_json(self))

    @expose("/lookup/")
    def lookup_view(self) -> ResponseReturnValue:
        """Suggestions for a reference filter."""
        try:
            return jsonify(page.lookup_json(self))
        except DomainError:
            abort(404)

    @expose("/look/", methods=("POST",))
    def choose_columns(self) -> ResponseReturnValue:
        """Keep which columns the person wants to see."""
        return column_menu.save(self)

    @expose("/views/save/", methods=("GET", "POST"))
    def save_view(self) -> ResponseReturnValue:
        """Keep what the list shows under a name."""
        return saved.save(self)

    @expose("/views/<int(max=9223372036854775807):view_id>/")
    def saved_view(self, view_id: int) -> ResponseReturnValue:
        """The short link of a saved view."""
        return saved.open_view(self, view_id)

    @expose("/views/<int(max=9223372036854775807):view_id>/delete/", methods=("GET", "POST"))
    def forget_view(self, view_id: int) -> ResponseReturnValue:
        """Forget a saved view."""
        return saved.delete(self, view_id)

    @expose("/views/counts/")
    def view_counts(self) -> ResponseReturnValue:
        """How many rows each saved view shows now."""
        return jsonify(saved.counts(self))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """A bulk action or a row's action: a question first, then the deed."""
        return acting.act(self)

    @expose("/export/", methods=("GET", "POST"))
    def export(self) -> ResponseReturnValue:
        """A file of what the list shows: asked about, or made at once."""
        return filing.answer(self)

    # Help

    def row_or_404(self, row_id: str) -> Any:
        """A row of this list for whoever asks."""
        row = get_one(db.session(), self.spec, row_id, customer_id=self.customer_id())
        if row is None:
            abort(404)
        return row

    def get_one(self, id: Any) -> Any | None:  # noqa: A002 - the name is Flask-Admin's
        """The same door for code of Flask-Admin (rule U13)."""
        return get_one(db.session(), self.spec, str(id), customer_id=self.customer_id())

    def handle_view_exception(self, exc: Exception) -> bool:
        """Database text never reaches a page (rule U14): nothing is flashed, the error page answers."""
        return False

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the door once: stock code calls again after a TypeError and hides the first one (rule U15)."""
        return fn(self, *args, **kwargs)

    def _row_actions(self, row: Any) -> list[Action]:
        return [
            action
            for action in self.actions
            if action.row and may(action.permission) and (action.when is None or action.when(row))
        ]

    def _row_links(self, row: Any) -> list[RowLink]:
        return [
            link
            for link in self.row_links
            if (not link.permission or may(link.permission)) and (link.when is None or link.when(row))
        ]

    def _tab_lines(self, row: Any, tabs: Sequence[Tab], wanted: str) -> list[dict[str, Any]]:
        if not tabs:
            return []
        base = f"{self.url}/details/?id={row.id}"
        lines = [{"url": base, "name": _l("Обзор"), "active": not wanted}]
        return lines + [
            {"url": f"{base}&tab={tab.key}", "name": tab.label, "active": tab.key == wanted} for tab in tabs
        ]
