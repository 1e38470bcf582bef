"""Edit pages of rows with a version: a second saver sees both values and decides (security.md F-21)."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from wtforms import Form

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, DomainError
from callcab.scope import Actor
from callcab.web import errors
from callcab.web.access import current_actor, current_scope
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.listing import ListView


class VersionedEdit:
    """The pages ``new`` and ``edit`` of a list whose rows only support edits.

    save     service: (session, id or None, values=, version=, actor=)
    reading  (form) -> values for the service; raises DomainError
    shown    (row) -> texts of the form's fields
    """

    def __init__(
        self,
        view: ListView,
        form: type[Form],
        *,
        save: Callable[..., Any],
        reading: Callable[[Form], Mapping[str, Any]],
        shown: Callable[[Any], Mapping[str, Any]],
        title: Any,
    ) -> None:
        self.view, self.form = view, form
        self.save, self.reading, self.shown = save, reading, shown
        self.title = title

    def answer(self, row: Any | None) -> ResponseReturnValue:
        """The page for ``row``, or for a new one; POST saves and leads back to the list."""
        if request.method == "GET":
            form = self.form(data=dict(self.shown(row)) if row is not None else None)
            return self._page(row, form, version=row.version if row is not None else 0)
        form = self.form(request.form)
        given = request.form.get("version", "")
        version = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
        try:
            self._store(row, form, version, current_actor())
        except DomainError as problem:
            return self._refused(row, form, version, problem)
        flash(_("Сохранено."), "success")
        return redirect(f"{self.view.url}/", 303)

    def _store(self, row: Any | None, form: Form, version: int, actor: Actor) -> None:
        row_id = None if row is None else row.id
        values = self.reading(form)
        with unit_of_work(current_scope()) as session:
            self.save(session, row_id, values=values, version=version, actor=actor)

    def _refused(self, row: Any | None, form: Form, version: int, problem: DomainError) -> ResponseReturnValue:
        sentence = errors.message(problem)
        if isinstance(problem, Conflict) and problem.code == "edit.stale" and row is not None:
            row_id = str(row.id)
            db.session().refresh_view()
            saved = self.view.row_or_404(row_id)
            theirs = self._differences(form, self.shown(saved))
            # The page now carries the newer version: saving again is a decision made with both values in sight.
            page = self._page(saved, form, version=saved.version, conflict=True, problem=sentence, theirs=theirs)
            return page, problem.status
        at_fault = form._fields.get(problem.field or "")
        if at_fault is not None:
            at_fault.errors = [sentence]
            sentence = ""
        return self._page(row, form, version=version, problem=sentence), problem.status

    def _differences(self, form: Form, saved: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"label": item.label.text, "saved": str(saved[item.name]), "typed": str(item.data)}
            for item in form
            if str(saved[item.name]) != str(item.data if item.data is not None else "")
        ]

    def _page(self, row: Any | None, form: Form, *, version: int, **more: Any) -> str:
        target = f"{self.view.url}/new/" if row is None else f"{self.view.url}/edit/?id={row.id}"
        title = self.title if row is None else self.view.name_of(row)
        context = {"conflict": False, "problem": "", "theirs": [], **more}
        crumbs = [{"url": f"{self.view.url}/", "name": self.view.name}, {"url": "", "name": title}]
        return str(
            self.view.render(
                "support/seller/form.html",
                form=form,
                version=version,
                target=target,
                title=title,
                crumbs=crumbs,
                **context,
            )
        )
