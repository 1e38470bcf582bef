"""Contact lists in the cabinet and in the back office."""

from collections.abc import Mapping
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import DateField, StringField, validators
from wtforms.widgets import TextInput

from callcab.db import unit_of_work
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError, Invalid
from callcab.models import ContactList
from callcab.services import contact_list, forecasts, stored_file
from callcab.services.contact_list import LONGEST_NAME, LONGEST_SOURCE
from callcab.services.specs.contact_list import CONTACT_LIST
from callcab.views.contact_list import loading
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme, uploads
from callcab.web import telephony_words as words
from callcab.web.access import allow_upload, current_actor, current_customer_id, current_scope, requires
from callcab.web.formatters import day, link, moment, number, status
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, PageAction, RowLink, fixed
from callcab.web.versioned import VersionedEdit


class ListForm(Form):
    """What a list is called, and what its owner can prove about consent (rule C1)."""

    name = StringField(
        _l("Название"), [validators.InputRequired()], render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off"}
    )
    consent_source = StringField(
        _l("Откуда согласие на звонки"),
        [validators.Optional()],
        description=_l("Например: анкета на сайте, журнал согласий № 14. Для рекламы обязательно."),
        render_kw={"maxlength": LONGEST_SOURCE},
    )
    consent_on = DateField(
        _l("Дата согласия"),
        [validators.Optional()],
        format="%d.%m.%Y",
        widget=TextInput(),
        render_kw={"placeholder": _l("ДД.ММ.ГГГГ"), "inputmode": "numeric", "maxlength": 10},
    )


def reading(form: Any) -> Mapping[str, Any]:
    """Values for the service. Raises Invalid for a date that is none."""
    if not form.validate() and form.consent_on.errors:
        raise Invalid("contact_list.date", field="consent_on")
    return dict(form.data)


def shown(row: ContactList) -> Mapping[str, Any]:
    return {"name": row.name, "consent_source": row.consent_source, "consent_on": row.consent_on or ""}


def consent_words(row: ContactList) -> Any:
    """`Есть, 07.05.2024` or that there is none."""
    if not row.has_consent:
        return status(_("Не указано"), "warn")
    return status(_("Есть, %(day)s", day=day(row.consent_on)), "good")


class ContactLists(ListView):
    """What both sides share: columns and the page of one list."""

    spec = CONTACT_LIST
    slug = "contact-lists"
    label = _l("Списки контактов")
    group = theme.TELEPHONY
    icon = "users"
    permission = "contact_list.read"
    can_view_details = True
    search_label = _l("Название списка")
    columns: Any = (
        Column("created_at", _l("Создан"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("name", _l("Название"), lambda row: row.name, kind="main", link=True),
        Column("entries", _l("Номеров"), lambda row: number(row.entries), kind="num"),
        Column("variables", _l("Переменные"), lambda row: ", ".join(row.variables)),
        Column("consent", _l("Согласие"), consent_words),
    )
    filters: Any = (
        FilterField("consent", _l("Согласие"), {"yes": _l("Есть"), "no": _l("Не указано")}),
        FilterField("created", _l("Создан")),
    )
    empty = Empty(_l("Списков пока нет"), _l("Соберите номера один раз и делайте из них рассылки."), "users")

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        return [
            (_("Номеров"), link(f"/{self.face}/list-entries/?list={row.id}", number(row.entries))),
            (_("Переменные"), ", ".join(row.variables)),
            (_("Откуда согласие на звонки"), row.consent_source),
            (_("Дата согласия"), day(row.consent_on) if row.consent_on else ""),
            (_("Создан"), moment(row.created_at)),
        ]


class CabinetContactLists(ContactLists):
    face = "cabinet"
    page_actions = (PageAction(_l("Создать список"), "/cabinet/contact-lists/new/", permission="contact_list.edit"),)
    row_links = (
        RowLink(_l("Номера"), "list", lambda row: f"/cabinet/list-entries/?list={row.id}"),
        RowLink(
            _l("Добавить номера"),
            "plus",
            lambda row: f"/cabinet/contact-lists/add/?id={row.id}",
            permission="contact_list.edit",
        ),
        RowLink(
            _l("Изменить"),
            "edit",
            lambda row: f"/cabinet/contact-lists/edit/?id={row.id}",
            permission="contact_list.edit",
        ),
        RowLink(
            _l("Создать рассылку"),
            "speakerphone",
            lambda row: f"/cabinet/campaigns/new/?list={row.id}",
            permission="campaign.edit",
            when=lambda row: row.entries > 0,
        ),
    )
    actions = (
        Action(
            "delete",
            _l("Удалить"),
            "contact_list.edit",
            icon="trash",
            operation="contact_list.delete",
            preview=fixed(forecasts.delete_lists, sums={"entries": _l("Номеров в списках")}),
            question=lambda count: ngettext(
                "Удалить %(count)s список вместе с номерами?",
                "Удалить списки вместе с номерами: %(count)s?",
                count,
                count=number(count),
            ),
            note=_l("Рассылки, которые сделаны из этих списков, не изменятся."),
            danger=True,
        ),
    )

    @expose("/new/", methods=("GET", "POST"))
    @requires("contact_list.edit")
    def new_view(self) -> ResponseReturnValue:
        """A new list and its first numbers."""
        form = ListForm(request.form or None)
        problem = ""
        if request.method == "POST" and form.validate():
            try:
                return self._started(None, dict(form.data))
            except FileError as refusal:
                problem = errors.message(Invalid(f"file.{refusal.reason}"))
            except DomainError as refusal:
                problem = self._refused(form, refusal)
        return self._load_page(_("Новый список"), form, problem)

    @expose("/add/", methods=("GET", "POST"))
    @requires("contact_list.edit")
    def add_view(self) -> ResponseReturnValue:
        """More numbers for a list."""
        row = self.row_or_404(request.values.get("id", ""))
        problem = ""
        if request.method == "POST":
            try:
                return self._started(row.id, {})
            except FileError as refusal:
                problem = errors.message(Invalid(f"file.{refusal.reason}"))
            except DomainError as refusal:
                problem = errors.message(refusal)
        return self._load_page(_("Добавить номера: %(name)s", name=row.name), None, problem)

    @expose("/columns/", methods=("GET", "POST"))
    @requires("contact_list.edit")
    def columns_view(self) -> ResponseReturnValue:
        """Which column holds the phones, and what the other columns are called as variables."""
        row = self.row_or_404(request.values.get("id", ""))
        file = uploads.kept_or_404(request.values.get("file", ""), current_customer_id() or 0)
        guess = contact_list.guess(stored_file.path(file))
        typed = loading.read_columns(request.form, guess) if request.method == "POST" else guess.columns
        problem, at_fault = "", ""
        if request.method == "POST":
            try:
                with unit_of_work(current_scope()) as session:
                    made = loading.load_table(session, row.id, file.id, typed)
                return redirect(self.operation_url(made), 303)
            except DomainError as refusal:
                problem, at_fault = errors.message(refusal), refusal.field or ""
        page = self.render(
            "cabinet/contact_lists/columns.html",
            row=row,
            file=file,
            guess=guess,
            columns=typed,
            problem=problem,
            at_fault=at_fault,
            crumbs=self._crumbs(_("Столбцы файла"), row),
        )
        return page, 422 if problem else 200

    @expose("/edit/", methods=("GET", "POST"))
    @requires("contact_list.edit")
    def change_view(self) -> ResponseReturnValue:
        """Rename a list, say where consent is from."""
        row = self.row_or_404(request.args.get("id", ""))
        edit = VersionedEdit(
            self, ListForm, save=contact_list.edit, reading=reading, shown=shown, title=_("Изменить список")
        )
        return edit.answer(row)

    def _started(self, list_id: int | None, values: dict[str, Any]) -> ResponseReturnValue:
        """Take in what was sent; on to the columns of a table, or to the counts of a text."""
        with unit_of_work(current_scope()) as session:
            if list_id is None:
                made = contact_list.create(
                    session, values, customer_id=current_customer_id() or 0, actor=current_actor()
                )
                list_id = made.id
            step = loading.take(session, list_id)
        if step.file_id is not None:
            return redirect(f"{self.url}/columns/?id={list_id}&file={step.file_id}", 303)
        return redirect(self.operation_url(step.operation), 303)

    def _refused(self, form: ListForm, refusal: DomainError) -> str:
        """Put a refusal beside its field; what has none is said above the form."""
        field = form._fields.get(refusal.field or "")
        if field is None:
            return errors.message(refusal)
        field.errors = [errors.message(refusal)]
        return ""

    def _load_page(self, title: str, form: ListForm | None, problem: str) -> ResponseReturnValue:
        page = self.render(
            "cabinet/contact_lists/load.html",
            title=title,
            form=form,
            problem=problem,
            way=request.values.get("way", "hand"),
            ways=uploads.WAYS,
            typed=request.form,
            target=request.full_path.rstrip("?"),
            crumbs=self._crumbs(title),
        )
        return page, 422 if problem or (form is not None and form.errors) else 200

    def _crumbs(self, title: str, row: ContactList | None = None) -> list[dict[str, str]]:
        first = [{"url": f"{self.url}/", "name": str(self.name)}]
        middle = [{"url": f"{self.url}/details/?id={row.id}", "name": row.name}] if row is not None else []
        return [*first, *middle, {"url": "", "name": title}]


class SupportContactLists(ContactLists):
    face = "admin"
    columns = (
        *ContactLists.columns[:2],
        Column("customer", _l("Клиент"), words.customer_link),
        *ContactLists.columns[2:],
    )
    filters = (*ContactLists.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    row_links = (RowLink(_l("Номера"), "list", lambda row: f"/admin/list-entries/?list={row.id}"),)


# Only here may a body be as large as a list file.
for _endpoint in ("cabinet_contact_lists.new_view", "cabinet_contact_lists.add_view"):
    allow_upload(_endpoint, body=uploads.UPLOAD_LIMIT, text=uploads.TEXT_LIMIT)
