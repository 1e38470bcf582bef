"""The virtual handset: with the simulator a person answers verification calls here. No real call is ever made."""

import zlib
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from callcab.models import Verification
from callcab.providers import telephony
from callcab.providers.telephony.base import ProviderDown
from callcab.providers.telephony.simulator import Simulator
from callcab.web import theme
from callcab.web.access import Page
from callcab.web.database import db

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
        return self.render(self.template, crumbs=[], **self._context())

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
        return redirect(f"{self.url}/", 303)

    def _context(self) -> dict[str, Any]:
        references = self._references()
        try:
            lines = self._phone().handset(references)
        except ProviderDown:
            lines = []
        health = self._phone().health()
        seen = f"{zlib.crc32(repr((lines, health.ok)).encode()):08x}"
        return {"lines": lines, "keys": KEYS, "health": health, "seen": seen}

    def _phone(self) -> Simulator:
        found = simulator()
        if found is None:
            abort(404)
        return found

    def _references(self) -> list[str]:
        """Open verification calls within the scope of the person."""
        statement = sa.select(Verification.provider_ref).where(Verification.finished_at.is_(None))
        return [ref for ref in db.session.scalars(statement.order_by(Verification.id.desc()).limit(50)) if ref]


def simulator() -> Simulator | None:
    """The simulator, when it is the provider."""
    found = telephony.provider()
    return found if isinstance(found, Simulator) else None


def support_views() -> list[Page]:
    return [Handset("admin")]


def cabinet_views() -> list[Page]:
    return [Handset("cabinet")]
