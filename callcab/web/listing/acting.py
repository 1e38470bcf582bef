"""Actions over rows: what was chosen, the question with the exact count, the deed.

The question is a page of its own, so that everything works without scripts; with scripts the same page opens as a
window. Between question and deed the number of rows may change: then the deed is refused and asked again (rule U11).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import Form

from callcab.db import unit_of_work
from callcab.lib.errors import DomainError
from callcab.services import operation as operations
from callcab.services.listing import ListState, count_matching, decode_id, matching, selection, to_json
from callcab.services.listing.state import PAGE_SIZES
from callcab.web import errors
from callcab.web.database import db
from callcab.web.formatters import number
from callcab.web.language import gettext
from callcab.web.listing import page
from callcab.web.listing.access import may, request_actor, request_scope
from callcab.web.listing.address import Request
from callcab.web.listing.declare import Action, Preview

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView

# Deletions of more rows than this ask for the number to be typed (ux.md §5).
TYPED_ABOVE = 1_000
# More rows could not be looked at within the time that a page has.
FORESEEN = 3_000_000
# Rows that the question names.
SAMPLES = 5


@dataclass(frozen=True)
class Choice:
    """What an action was asked for: ticked ``ids``, or everything that matches when they are None.

    asks    whether there is a question at all: a row's own action may do without
    """

    action: Action
    ids: Sequence[int] | None
    state: ListState
    expected: int | None
    confirmed: bool
    asks: bool


def act(view: "ListView") -> ResponseReturnValue:
    """Answer POST /action/."""
    choice = read_choice(view)
    if choice.ids is not None and not choice.ids:
        return leave(view, gettext("Ничего не выбрано: отметьте строки галочкой."), "warning")
    if choice.state.errors and choice.ids is None:
        return leave(view, gettext("В фильтре есть ошибка: исправьте её и повторите."), "error")
    found = count_matching(db.session(), view.spec, choice.state, ids=choice.ids, customer_id=view.customer_id()).value
    if not found:
        return leave(view, gettext("Этих строк уже нет. Обновите список."), "warning")
    form = read_form(choice)
    problem = refusal(choice, found, form)
    shown = look_ahead(view, choice, found, form)
    if problem is None and shown is not None:
        problem = unseen(shown, lambda: look_ahead(view, choice, found, None))
    if problem is None:
        return carry_out(view, choice, found, form)
    return ask(view, choice, found, form, problem, shown)


def read_choice(view: "ListView") -> Choice:
    """Read the form; an unknown action is not found, one that the role lacks is refused."""
    name, _, one = request.form.get("one", "").partition(":")
    name = name or request.form.get("action", "")
    action = next((item for item in view.actions if item.name == name), None)
    if action is None:
        abort(404)
    if not may(action.permission):
        abort(403)
    ids = [one] if one else request.form.getlist("id")
    readable = [value for value in map(decode_id, ids) if value is not None]
    if len(ids) > max(PAGE_SIZES):
        abort(400)
    whole = not one and (request.form.get("scope") == "all" or (action.whole and not ids))
    if whole and action.perform is not None:
        abort(400)
    # The question of a row's own action comes back with the row ticked.
    of_row = action.row and bool(one or len(ids) == 1)
    if not of_row and (one or not (action.bulk or action.whole)):
        abort(404)
    expected = request.form.get("expect", "")
    return Choice(
        action=action,
        ids=None if whole else list(dict.fromkeys(readable)),
        state=page.without_place(page.read_state(view)),
        expected=int(expected) if expected.isascii() and expected.isdigit() and len(expected) < 19 else None,
        confirmed=request.form.get("confirmed") == "1",
        asks=bool(action.question or action.fields or (action.preview and not one)),
    )


def read_form(choice: Choice) -> Form | None:
    """The action's own fields, filled from the request once they were shown."""
    if choice.action.fields is None:
        return None
    sent = request.form if choice.confirmed else MultiDict()
    return choice.action.fields(formdata=sent or None, meta={"csrf": False})


def refusal(choice: Choice, found: int, form: Form | None) -> str | None:
    """Why the deed waits: an empty text just means that the question is still to be asked; None = go on."""
    action = choice.action
    if not choice.confirmed:
        changed = drift(choice, found) if choice.ids is None else ""
        return changed if choice.asks else changed or None
    changed = drift(choice, found)
    if changed:
        return changed
    typed = "".join(request.form.get("typed", "").split())
    if action.danger and found > TYPED_ABOVE and typed != str(found):
        return gettext("Введите число строк, чтобы подтвердить: %(count)s.", count=number(found))
    if form is not None and not form.validate():
        return gettext("Проверьте поля ниже.")
    return None


def look_ahead(view: "ListView", choice: Choice, found: int, form: Form | None) -> Preview | None:
    """What the action would do; fields that are not filled in rightly yet count as none."""
    if choice.action.preview is None or not choice.asks:
        return None
    if found > FORESEEN:
        return Preview([(gettext("Строк"), number(found))], "many", gettext("Строк слишком много для расчёта."))
    params = plain(form.data) if form is not None and choice.confirmed and form.validate() else None
    return choice.action.preview(db.session(), chosen_rows(view, choice), params)


def chosen_rows(view: "ListView", choice: Choice) -> Any:
    """SELECT of the rows that are meant."""
    return selection(view.spec, choice.state, ids=choice.ids, customer_id=view.customer_id())


def samples(view: "ListView", choice: Choice) -> list[str]:
    """What some of the rows are called."""
    rows = chosen_rows(view, choice).limit(SAMPLES).options(*view.spec.loaders)
    return [view.name_of(row) for row in db.session().scalars(rows).unique()]


def unseen(shown: Preview, bare: Callable[[], Preview | None]) -> str | None:
    """A text when the person has not seen just this; an empty one when that is because of what he filled in: ``bare``
    is what is to be seen without it."""
    seen = request.form.get("seen")
    if seen == shown.seal:
        return None
    before = bare()
    if not seen:
        return "" if before is None else None
    if before is not None and before.seal == seen:
        return ""
    return gettext("Расчёт изменился. Проверьте его и подтвердите ещё раз.")


def drift(choice: Choice, found: int) -> str:
    """A sentence when the number of rows is not the one that the person saw."""
    if choice.expected is None or choice.expected == found:
        return ""
    return gettext(
        "Список изменился: было %(before)s, стало %(now)s. Проверьте и подтвердите ещё раз.",
        before=number(choice.expected),
        now=number(found),
    )


def ask(
    view: "ListView", choice: Choice, found: int, form: Form | None, problem: str, shown: Preview | None
) -> ResponseReturnValue:
    """The confirm page with the exact count."""
    body = view.render(
        "callcab/confirm.html",
        action=choice.action,
        question=question_of(choice.action, found),
        found=found,
        found_text=number(found),
        samples=samples(view, choice),
        ids=choice.ids,
        form=form,
        problem=problem,
        shown=shown,
        # What other fields could not mend has nothing to be pressed for.
        offered=not (shown and shown.hindered) or (form is not None and choice.confirmed),
        way_back=way_back(choice.action.operation, final=choice.action.final),
        typed_needed=choice.action.danger and found > TYPED_ABOVE,
        target=f"{view.url}/action/{query(view, beside())}",
        back=f"{view.url}/{query(view, beside())}",
        crumbs=[{"url": f"{view.url}/", "name": view.name}, {"url": "", "name": choice.action.label}],
    )
    return make_response(body, 409 if problem and choice.confirmed and drift(choice, found) else 200)


def way_back(name: str, *, final: bool = False) -> str:
    """Whether an operation of that name can be undone, in words; nothing of one that changes nothing.

    final   what is said of a deed that is no operation
    """
    undoable = operations.is_undoable(name) if name else False if final else None
    if undoable is None:
        return ""
    return gettext("Можно отменить в течение 7 дней.") if undoable else gettext("Это действие нельзя отменить.")


def question_of(action: Action, found: int) -> str:
    """The question about so many rows; a function chooses the plural form."""
    if isfunction(action.question):
        return str(action.question(found))
    return str(action.question) % {"count": number(found)} if action.question else ""


def carry_out(view: "ListView", choice: Choice, found: int, form: Form | None) -> ResponseReturnValue:
    """Start the operation, or do it at once; a refusal of the rules becomes a notice."""
    params = {} if form is None else plain(form.data)
    try:
        if choice.action.perform is not None:
            return leave(view, _perform(view, choice, params) or gettext("Готово."), "success")
        return _start(view, choice, found, params)
    except DomainError as problem:
        return leave(view, errors.message(problem), "error")


def _perform(view: "ListView", choice: Choice, params: dict[str, Any]) -> str:
    assert choice.action.perform is not None  # noqa: S101 - the caller looked
    with unit_of_work(request_scope()) as session:
        rows = session.scalars(chosen_rows(view, choice)).unique().all()
        return str(choice.action.perform(session, rows, params, request_actor()) or "")


def _start(view: "ListView", choice: Choice, found: int, params: dict[str, Any]) -> ResponseReturnValue:
    at_once = found <= operations.inline_rows(choice.action.operation)
    begin = operations.run_inline if at_once else operations.start
    with unit_of_work(request_scope()) as session:
        operation = begin(
            session,
            name=choice.action.operation,
            spec_name=view.spec.name,
            state=to_json(choice.state),
            ids=None if choice.ids is None else list(choice.ids),
            params=params,
            expected=found,
            actor=request_actor(),
            customer_id=view.customer_id(),
        )
        url = view.operation_url(operation)
    if at_once and operation.done == found:
        text = gettext("«%(what)s»: готово, строк: %(count)s.", what=choice.action.label, count=number(found))
        if operations.undo_until(operation) is not None:
            text = Markup('{} <a href="{}">{}</a>').format(text, view.undo_url(operation), gettext("Отменить действие"))
        return leave(view, text, "success")
    flash(gettext("Принято: %(what)s, строк: %(count)s.", what=choice.action.label, count=number(found)), "success")
    return go(url)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Form values as JSON holds them; the operation reads them back by its own form."""
    return {name: _plain(value) for name, value in values.items() if name != "csrf_token"}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def leave(view: "ListView", text: str, kind: str) -> ResponseReturnValue:
    """Back to the list as it was, with a notice; the row beside it stays while it is one of the list's."""
    flash(text, kind)
    row = beside()
    return go(f"{view.url}/{query(view, row if row and is_listed(view, row) else None)}")


def beside() -> int | None:
    """The row whose details stand beside the list (static/js/peek.js)."""
    return decode_id(request.args.get("row", ""))


def is_listed(view: "ListView", row: int) -> bool:
    """Whether the row is there and within search and filters, after what has been done."""
    found = matching(view.spec, page.read_state(view), customer_id=view.customer_id())
    return db.session.scalar(found.with_only_columns(view.spec.model.id).where(view.spec.model.id == row)) is not None


def query(view: "ListView", row: int | None) -> str:
    """``?…`` of the list as it is, on the page that one is on, and of the row beside it."""
    return Request(view.spec, request.args).stay(row=row)


def go(url: str) -> ResponseReturnValue:
    """Redirect; the script of a window is told in a header, so that the notice is not spent on its own request."""
    if request.headers.get("X-Fragment"):
        answer = make_response("", 200)
        answer.headers["X-Location"] = url
        return answer
    return redirect(url, 303)
