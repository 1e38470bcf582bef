"""Campaigns in the cabinet and in the back office."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import DomainError, Invalid
from callcab.models import (
    CallbackRequest,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    NumberKind,
    NumberState,
    PhoneNumber,
)
from callcab.providers import telephony
from callcab.scope import Scope
from callcab.services import campaign as campaigns
from callcab.services import retry
from callcab.services.campaign import listening
from callcab.services.dashboard import Calls
from callcab.services.listing import decode_id
from callcab.services.specs.campaign import CAMPAIGN
from callcab.views.campaign.form import CampaignForm, make_form, read_draft
from callcab.views.campaign.listening import message_player, spoken
from callcab.views.campaign.menu_form import USUAL_KEYS, MenuForm, make_menu, menu_table, silence_facts
from callcab.views.campaign.schedule_form import MACHINE
from callcab.views.home_charts import heat_chart, outcomes_chart
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, live, theme
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_customer_id, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import current_zone, moment, number, phone
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, FilterField, ListView, PageAction

# Leases and the platform's list are past what one customer may see.
SYSTEM = Scope.system("number leases")
STEPS: dict[str, Callable[..., Campaign]] = {
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "stop": campaigns.stop,
}
DONE = {
    "start": _l("Рассылка запускается."),
    "pause": _l("Рассылка на паузе: новые звонки не начнутся."),
    "resume": _l("Рассылка продолжается."),
    "stop": _l("Рассылка остановлена."),
}
BUTTONS = {
    CampaignState.DRAFT: ("stop",),
    CampaignState.WAITING: ("pause", "stop"),
    CampaignState.RUNNING: ("pause", "stop"),
    CampaignState.PAUSED: ("resume", "stop"),
}
LABELS = {
    "pause": (_l("Пауза"), "player-pause", ""),
    "resume": (_l("Продолжить"), "player-play", "btn-primary"),
    "stop": (_l("Остановить"), "player-stop", "btn-outline-danger"),
}


def progress(row: Campaign) -> str:
    return f"{number(row.contacts_done)} / {number(row.contacts_total)}"


class CampaignList(ListView):
    """What both sides share: columns, the page of one campaign, its buttons."""

    spec = CAMPAIGN
    slug = "campaigns"
    label = _l("Рассылки")
    group = theme.TELEPHONY
    icon = "speakerphone"
    permission = "campaign.read"
    can_view_details = True
    details_template = "cabinet/campaigns/details.html"
    columns: Any = (
        Column("created_at", _l("Создана"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("name", _l("Название"), lambda row: row.name, kind="main", link=True),
        Column("purpose", _l("Цель"), lambda row: words.PURPOSES[row.purpose]),
        Column("state", _l("Состояние"), words.campaign_status),
        Column("progress", _l("Обзвонено"), progress, kind="num"),
    )
    filters: Any = (
        FilterField("state", _l("Состояние"), words.CAMPAIGN_FILTER),
        FilterField("purpose", _l("Цель"), words.PURPOSE_FILTER),
        FilterField("test", _l("Пробные звонки"), {"no": _l("Без пробных"), "yes": _l("Только пробные")}),
        FilterField("created", _l("Создана")),
    )
    empty = Empty(
        _l("Рассылок пока нет"), _l("Загрузите номера, напишите текст — робот обзвонит всех сам."), "speakerphone"
    )

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def facts_of(self, row: Any) -> Any:
        return None

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """One campaign: what would happen or happens, and what may be done."""
        row = self.row_or_404(request.args.get("id", ""))
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": row.name}]
        return self.render(
            self.details_template,
            row=row,
            crumbs=crumbs,
            check_button=row.state is CampaignState.DRAFT and may("campaign.run"),
            counts=outcome_counts(row.id),
            menu_rows=menu_table(db.session, row),
            menu_facts=silence_facts(row),
            callbacks=callback_count(row.id),
            charts=charts_of(row),
            tests=campaigns.test_calls(db.session, row.id),
            own_numbers=self.own_numbers(),
            may_clone=self.face == "cabinet" and may("campaign.edit"),
            next_at=next_contact(row.id) if row.state in BUTTONS else None,
            status=words.campaign_status(row),
            words=words,
            buttons=[(step, *LABELS[step]) for step in BUTTONS.get(row.state, ())] if may("campaign.run") else [],
            live=row.state in (CampaignState.RUNNING, CampaignState.WAITING),
            health=telephony.provider().health(),
            health_text=errors.TEXTS.get(telephony.provider().health().code, ""),
            player=message_player(row, self.url),
            machine=MACHINE,
            retries=[(words.OUTCOMES[item.value][0], retry.rule_of(row, item)) for item in retry.CHOSEN],
            simulated=telephony.provider().name == "simulator",
        )

    @expose("/check/")
    def check_view(self) -> ResponseReturnValue:
        """Who would be called, what it costs, and the button that launches."""
        row = self.row_or_404(request.args.get("id", ""))
        if row.state not in BUTTONS:
            return redirect(f"{self.url}/details/?id={row.id}")
        with unit_of_work(SYSTEM) as session:
            before = campaigns.preflight(session, session.get_one(Campaign, row.id), now=clock.now())
        details = {"url": f"{self.url}/details/?id={row.id}", "name": row.name}
        first = [group.first for group in before.groups if group.code == "hours.closed"]
        health = telephony.provider().health()
        return self.render(
            "cabinet/campaigns/check.html",
            row=row,
            before=before,
            groups=[(group, words.verdict_status(group.verdict)) for group in before.groups],
            first_later=min(first, default=None),
            may_launch=row.state is CampaignState.DRAFT
            and may("campaign.run")
            and not before.obstacles
            and before.never < before.total,
            player=message_player(row, self.url),
            health=health,
            health_text=errors.TEXTS.get(health.code, ""),
            words=words,
            crumbs=[{"url": f"{self.url}/", "name": self.name}, details, {"url": "", "name": _("Проверка")}],
        )

    def own_numbers(self) -> list[tuple[str, str]]:
        """The customer's proved numbers that a test call may ring; support rings nobody."""
        return []

    @expose("/listen/")
    def listen_view(self) -> ResponseReturnValue:
        """The message as one of the contacts hears it."""
        row = self.row_or_404(request.args.get("id", ""))
        return spoken(lambda: listening.message(db.session(), row), current_actor().user_id)

    @expose("/live/")
    def live_view(self) -> ResponseReturnValue:
        """Says when the page of a campaign under way has changed."""
        campaign_id = self.row_or_404(request.args.get("id", "")).id
        return live.stream(lambda session: campaigns.stamp(session, campaign_id))

    @expose("/steer/", methods=("POST",))
    @requires("campaign.run")
    def steer_view(self) -> ResponseReturnValue:
        """Launch after another look, pause, resume or stop."""
        row = self.row_or_404(request.form.get("id", ""))
        step = request.form.get("step", "")
        try:
            if step not in DONE:
                raise Invalid("campaign.state")
            with unit_of_work(SYSTEM) as session:
                who = {"actor": current_actor(), "customer_id": row.customer_id}
                if step == "start":
                    campaigns.launch(session, row.id, seen=request.form.get("seen", ""), **who)
                else:
                    STEPS[step](session, row.id, **who)
            flash(str(DONE[step]), "success")
        except DomainError as problem:
            errors.flash_error(problem)
            if step == "start":
                return redirect(f"{self.url}/check/?id={row.id}", 303)
        return redirect(f"{self.url}/details/?id={row.id}", 303)


def charts_of(row: Campaign) -> list[Any]:
    """How contacts ended, and when people were called."""
    ended = [(code, count) for code, count in outcomes_of(row.id)]
    grid = campaigns.hours(db.session, row.id, current_zone().key)
    found = [outcomes_chart(ended, _("Исходы"), _("Номеров"), _("Всего: %(total)s"))] if ended else []
    return [*found, heat_chart(Calls([], grid))] if any(map(any, grid)) else found


def outcome_counts(campaign_id: int) -> list[tuple[Any, int]]:
    """The same in words with their tone."""
    return [(words.outcome_status(name), count) for name, count in outcomes_of(campaign_id)]


def outcomes_of(campaign_id: int) -> list[tuple[str, int]]:
    """Contacts by their last outcome, the most frequent first."""
    found = db.session.execute(
        sa.select(Contact.state, Contact.outcome, sa.func.count())
        .where(Contact.campaign_id == campaign_id)
        .group_by(Contact.state, Contact.outcome)
    )
    counts: Counter[str] = Counter()
    for state, outcome, count in found:
        if state is ContactState.REFUSED:
            counts["request_refused"] += count
        elif outcome:
            counts[outcome] += count
    return counts.most_common()


def next_contact(campaign_id: int) -> Any:
    """When the next contact is due."""
    return db.session.scalar(
        sa.select(sa.func.min(Contact.next_at))
        .where(Contact.campaign_id == campaign_id)
        .where(Contact.state.in_((ContactState.NEW, ContactState.WAITING)))
    )


class CabinetCampaign(CampaignList):
    face = "cabinet"
    page_actions = (PageAction(_l("Создать рассылку"), "/cabinet/campaigns/new/", permission="campaign.edit"),)

    @expose("/new/", methods=("GET", "POST"))
    @requires("campaign.edit")
    def new_view(self) -> ResponseReturnValue:
        """Draw up a campaign; «Проверить список» counts without storing anything."""
        given = request.args.get("list", "")
        form = make_form(db.session, request.form, list_id=int(given) if given.isascii() and given.isdigit() else None)
        menu = make_menu(db.session, current_customer_id() or 0, request.form)
        reading = None
        if request.method == "POST":
            try:
                if request.form.get("check"):
                    reading = campaigns.read_contacts(
                        db.session,
                        form.contacts.data or "",
                        form.lists.data or (),
                        customer_id=current_customer_id() or 0,
                    )
                elif form.validate() & menu.validate():
                    return self._create(form, menu)
            except DomainError as problem:
                show_error(problem, form, menu)
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Новая рассылка")}]
        page = self.render(
            "cabinet/campaigns/new.html", form=form, menu=menu, usual_keys=USUAL_KEYS, reading=reading, crumbs=crumbs
        )
        return page, 422 if form.errors or menu.errors else 200

    @expose("/say/", methods=("POST",))
    @requires("campaign.edit")
    def say_view(self) -> ResponseReturnValue:
        """The text of a form that is not sent yet, in the robot's voice."""
        text = request.form.get("prompt", "")
        return spoken(lambda: listening.text(text), current_actor().user_id)

    def own_numbers(self) -> list[tuple[str, str]]:
        if not may("campaign.run"):
            return []
        mine = sa.select(PhoneNumber).where(
            PhoneNumber.kind == NumberKind.PERSONAL,
            PhoneNumber.state == NumberState.VERIFIED,
            PhoneNumber.customer_id == current_customer_id(),
        )
        return [
            (str(item.id), phone(item.phone)) for item in db.session.scalars(mine.order_by(PhoneNumber.id).limit(50))
        ]

    @expose("/clone/", methods=("POST",))
    @requires("campaign.edit")
    def clone_view(self) -> ResponseReturnValue:
        """A copy of a campaign as a draft."""
        row = self.row_or_404(request.form.get("id", ""))
        with unit_of_work(current_scope()) as session:
            name = _("%(name)s (копия)", name=row.name[:100])
            who = {"customer_id": row.customer_id, "actor": current_actor()}
            made = campaigns.clone(session, row.id, name=name, **who)
        flash(_("Это копия: проверьте её и запустите."), "success")
        return redirect(f"{self.url}/details/?id={made.id}", 303)

    @expose("/test/", methods=("POST",))
    @requires("campaign.run")
    def test_view(self) -> ResponseReturnValue:
        """Ring one of the customer's own numbers with this scenario."""
        row = self.row_or_404(request.form.get("id", ""))
        number_id = decode_id(request.form.get("number_id", "")) or 0
        try:
            with unit_of_work(SYSTEM) as session:
                who = {"customer_id": row.customer_id, "actor": current_actor()}
                name = _("Проба: %(name)s", name=row.name[:100])
                campaigns.call_me(session, row.id, number_id, name=name, **who)
            flash(_("Сейчас позвоним. Звонок стоит как обычный и в рассылку не входит."), "success")
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/details/?id={row.id}", 303)

    def _create(self, form: CampaignForm, menu: MenuForm) -> ResponseReturnValue:
        draft = read_draft(form, menu)
        with unit_of_work(current_scope()) as session:
            campaign = campaigns.create(session, draft, customer_id=current_customer_id() or 0, actor=current_actor())
        flash(_("Рассылка готова. Проверьте и запустите её."), "success")
        return redirect(f"{self.url}/details/?id={campaign.id}", 303)


def show_error(problem: DomainError, *forms: Form) -> None:
    """Put a refusal beside its field, or above the form."""
    for form in forms:
        if problem.field in form:
            form[problem.field].errors = [errors.message(problem)]
            return
    errors.flash_error(problem)


def callback_count(campaign_id: int) -> int:
    """How many callees asked to be called back."""
    counted = sa.select(sa.func.count()).where(CallbackRequest.campaign_id == campaign_id)
    return db.session.scalar(counted) or 0


class SupportCampaign(CampaignList):
    columns = (
        *CampaignList.columns[:2],
        Column("customer", _l("Клиент"), words.customer_link),
        *CampaignList.columns[2:],
    )
    filters = (*CampaignList.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
