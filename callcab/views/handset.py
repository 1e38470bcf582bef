"""The virtual handset: with the simulator a person answers verification calls and calls our numbers here. No real call
is ever made."""

import zlib
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import Form, StringField

from callcab.lib import phone as phones
from callcab.models import Campaign, InboundCall, PhoneNumber, Verification
from callcab.providers import telephony
from callcab.providers.telephony.base import ProviderDown
from callcab.providers.telephony.simulator import HandsetLine, Simulator
from callcab.web import errors, theme
from callcab.web.access import Page, current_customer_id
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l


class DialForm(Form):
    """Who calls and which of our numbers."""

    caller = StringField(_l("С номера"), description=_l("Пусто: номер скрыт."))
    to = StringField(_l("На наш номер"))


KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")


class Handset(Page):
    """Lines that ring for the numbers of this customer; support sees all."""

    permission = "handset.use"
    template = "cabinet/handset/index.html"

    def __init__(self, face: str) -> None:
        super().__init__(
            name=_l("Виртуальный телефон"),
            category=theme.TELEPHONY,
            endpoint=f"{face}_handset",
            url=f"/{face}/handset",
            menu_icon_value="phone-incoming",
        )

    def is_visible(self) -> bool:
        return simulator() is not None

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The handset; it keeps itself fresh."""
        return self._page(DialForm(to=request.args.get("to", "")[:40]))

    @expose("/lines/")
    def lines(self) -> ResponseReturnValue:
        """The lines alone, fetched every second; nothing when they are as seen, for a swap would eat a click."""
        context = self._context()
        if request.args.get("seen") == context["seen"]:
            return "", 204
        return self.render("cabinet/handset/_lines.html", **context)

    @expose("/press/", methods=("POST",))
    def press(self) -> ResponseReturnValue:
        """Answer, reject, hang up, or press a key, on a line that one may see."""
        reference, what = request.form.get("reference", ""), request.form.get("what", "")
        if reference not in self._references():
            abort(404)
        try:
            self._phone().touch(reference, what)
        except ValueError:
            abort(400)
        except ProviderDown:
            flash(_("Симулятор не отвечает. Повторите через минуту."), "error")
        # Who dialled himself goes on to see how his call stands, and how it ended.
        return redirect(self.get_url(".index", called=request.form.get("called", "")[:64] or None), 303)

    @expose("/dial/", methods=("POST",))
    def dial(self) -> ResponseReturnValue:
        """Call one of our numbers as a person outside would."""
        form = DialForm(request.form)
        caller, to = read_number(form.caller, optional=True), read_number(form.to)
        if to and not self._may_call(to):
            form.to.errors = [_("Среди ваших номеров и номеров сервиса такого нет.")]
        if form.caller.errors or form.to.errors:
            return self._page(form), 422
        try:
            reference = self._phone().dial_in(caller=caller, to=to)
        except ProviderDown:
            flash(_("Симулятор не отвечает. Повторите через минуту."), "error")
            return self._page(form), 503
        return redirect(self.get_url(".index", called=reference), 303)

    def _may_call(self, to: str) -> bool:
        """Support may try any number; a customer those that he sees."""
        if current_customer_id() is None:
            return True
        return db.session.scalar(sa.select(PhoneNumber.id).where(PhoneNumber.phone == phones.to_int(to))) is not None

    def _page(self, form: DialForm) -> str:
        return str(self.render(self.template, crumbs=[], form=form, **self._context()))

    def _context(self) -> dict[str, Any]:
        called: HandsetLine | None = None
        lines: list[HandsetLine] = []
        try:
            lines = self._phone().handset(self._references())
            called = self._phone().called(request.args.get("called", "")[:64])
        except ProviderDown:
            pass
        health = self._phone().health()
        recordings = recordings_of([line.reference for line in lines if line.sound])
        seen = f"{zlib.crc32(repr((lines, called, health.ok)).encode()):08x}"
        return {
            "recordings": recordings,
            "lines": lines,
            "called": called,
            "keys": KEYS,
            "health": health,
            "seen": seen,
        }

    def _phone(self) -> Simulator:
        found = simulator()
        if found is None:
            abort(404)
        return found

    def _references(self) -> list[str]:
        """Open verification calls and incoming calls within the scope of the person."""
        checks = sa.select(Verification.provider_ref).where(Verification.finished_at.is_(None))
        inbound = sa.select(InboundCall.provider_ref).where(InboundCall.ended_at.is_(None))
        found = db.session.scalars(checks.order_by(Verification.id.desc()).limit(50)).all()
        found = [*found, *db.session.scalars(inbound.order_by(InboundCall.id.desc()).limit(50))]
        return [reference for reference in found if reference]


def recordings_of(references: list[str]) -> dict[str, int]:
    """Ids of the recordings that campaigns play to these callers."""
    if not references:
        return {}
    found = db.session.execute(
        sa.select(InboundCall.provider_ref, Campaign.recording_id)
        .join(Campaign, Campaign.id == InboundCall.campaign_id)
        .where(InboundCall.provider_ref.in_(references), Campaign.recording_id.is_not(None))
    )
    return {row.provider_ref: row.recording_id for row in found}


def read_number(field: StringField, *, optional: bool = False) -> str:
    """The number of a field in E.164; empty when it is not typed or wrong, which the field then says."""
    text = (field.data or "").replace("\x00", "").strip()
    if optional and not text:
        return ""
    try:
        return phones.parse(text).e164
    except phones.PhoneError as problem:
        field.errors = [errors.TEXTS[f"phone.{problem.reason}"]]
        return ""


def simulator() -> Simulator | None:
    """The simulator, when it is the provider."""
    found = telephony.provider()
    return found if isinstance(found, Simulator) else None


def support_views() -> list[Page]:
    return [Handset("admin")]


def cabinet_views() -> list[Page]:
    return [Handset("cabinet")]
