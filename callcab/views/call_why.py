"""«Почему (не) позвонили»: what would be decided about a number now, and everything that was decided before."""

import logging
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib import phone as phone_lib
from callcab.lib.errors import Unavailable
from callcab.lib.pdf import PdfError
from callcab.models import Campaign, CampaignState, Contact, Customer
from callcab.scope import Scope
from callcab.services import decision
from callcab.services.call import history
from callcab.services.listing import decode_id
from callcab.views import call_certificate
from callcab.web import errors
from callcab.web import telephony_words as words
from callcab.web.access import current_customer_id
from callcab.web.database import db
from callcab.web.formatters import moment, number
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import RowLink

log = logging.getLogger(__name__)
# The platform's list is past what one customer may see; the answer tells only whether a number is on it.
SYSTEM = Scope.system("decision")


def why_url(face: str, phone: int | str | None, customer_id: int | None = None) -> str:
    """The page about a number; support's about one customer, when he is known."""
    # In each row of a list, so without urlencode for a number.
    asked = f"phone=%2B{phone}" if isinstance(phone, int) else urlencode({"phone": phone or ""})
    whose = f"&customer={customer_id}" if face == "admin" and customer_id else ""
    return f"/{face}/calls/why/?{asked}{whose}"


def why_link(face: str) -> RowLink:
    """The link in the menu of a row that has a ``phone`` and a ``customer_id``."""
    return RowLink(
        _l("Почему (не) позвонили"),
        "help-circle",
        lambda row: why_url(face, row.phone, row.customer_id),
        permission="call.read",
        when=lambda row: row.phone is not None,
    )


class WhyPages:
    """Pages of the calls that are about one number; mixed into both lists of calls."""

    face: Any
    url: Any
    name: Any
    render: Any

    @expose("/why/")
    def why_view(self) -> ResponseReturnValue:
        """The answer now; every call and refusal with the rules in their order; entries; calls that came in."""
        typed = request.args.get("phone", "").replace("\x00", "")[:100].strip()
        named = self._named()
        phone, problem = read_number(typed)
        whose = [named] if named else history.customers(db.session(), phone=phone) if phone else []
        context: dict[str, Any] = {
            "typed": typed,
            "number": phone,
            "problem": problem,
            "named": named,
            "answers": [answer(typed, customer) for customer in whose] if typed else [],
        }
        if phone:
            context |= self._past(phone, named.id if named else None)
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Почему (не) позвонили")}]
        page: str = self.render("cabinet/calls/why.html", crumbs=crumbs, words=words, **context)
        return page

    @expose("/certificate/")
    def certificate_view(self) -> ResponseReturnValue:
        """«Справка по номеру» as PDF: this customer's calls, or for support all of them."""
        number, _problem = read_number(request.args.get("phone", "").replace("\x00", "")[:100].strip())
        if number is None:
            abort(404)
        try:
            content = call_certificate.draw(db.session(), number, self._named())
        except PdfError as problem:
            log.exception("a certificate can't be drawn", extra={"reason": problem.reason})
            raise Unavailable("call.certificate") from problem
        answer = Response(content, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'attachment; filename="spravka-{number}.pdf"'
        return answer

    def _named(self) -> Customer | None:
        """The customer who asks, or whom support named; support may leave him out."""
        mine = current_customer_id()
        wanted = mine if mine is not None else decode_id(request.args.get("customer", "").strip() or "-")
        return db.session.get(Customer, wanted) if wanted is not None else None

    def _past(self, phone: int, customer_id: int | None) -> dict[str, Any]:
        made = history.calls(
            db.session(), phone=phone, customer_id=customer_id, before=decode_id(request.args.get("before", "-"))
        )
        rest = made[-1].id if len(made) == history.PAGE else None
        return {
            "calls": [
                {"row": call, "why": words.decided(call.decision), "trace": words.trace_lines(call.decision)}
                for call in made
            ],
            "more": f"{why_url(self.face, phone, customer_id)}&before={rest}" if rest else "",
            "opt_outs": [
                {"item": item, "facts": self._facts_of(item)}
                for item in history.opt_outs(db.session(), phone=phone, customer_id=customer_id)
            ],
            "came_in": history.came_in(db.session(), phone=phone, customer_id=customer_id),
        }

    def _facts_of(self, item: history.OptOut) -> list[tuple[Any, Any]]:
        """An entry and how fast it was heeded; whose it is and which of us made it is for support alone."""
        entry = item.entry
        author, whose = entry.author_name or (_("Поддержка") if entry.author_id else ""), []
        if self.face == "admin":
            author = entry.author_name or (entry.author.name if entry.author else "")
            whose = [(_("Список"), entry.customer.name if entry.customer else _("Платформа"))]
        going_on = number(item.going_on)
        if item.silent_at:
            going_on += ", " + _("последний закончился %(at)s", at=moment(item.silent_at))
        return [
            *whose,
            (_("Источник"), words.BLACKLIST_SOURCES[entry.source]),
            (_("Причина"), entry.reason),
            (_("Кто"), author),
            (_("Попросил"), moment(item.asked_at)),
            (_("В чёрном списке с"), moment(entry.created_at)),
            (_("Действует до"), moment(entry.expires_at) if entry.expires_at else _("бессрочно")),
            (_("Реакция"), words.reaction(item.reaction)),
            (_("Звонков шло в этот момент"), going_on),
            (_("Звонков после"), number(item.calls_after)),
        ]


def read_number(typed: str) -> tuple[int | None, Any]:
    """The typed number as stored, or a sentence that says what is wrong with it."""
    if not typed:
        return None, ""
    try:
        return phone_lib.to_int(phone_lib.parse(typed).e164), ""
    except phone_lib.PhoneError as problem:
        return None, errors.TEXTS[f"phone.{problem.reason}"]


def answer(typed: str, customer: Customer) -> dict[str, Any]:
    """What the rules say about this customer's next call to the number, for callcab's pages."""
    with unit_of_work(SYSTEM) as session:
        contact = last_contact(session, read_number(typed)[0], customer.id)
        campaign = session.get(Campaign, contact.campaign_id) if contact else None
        if campaign is not None and campaign.state in (CampaignState.FINISHED, CampaignState.STOPPED):
            # Nothing of it is dialled any more: the question is about a new call.
            campaign = contact = None
        found = decision.decide(
            session,
            customer_id=customer.id,
            phone=typed,
            campaign=campaign,
            now=clock.now(),
            attempts=contact.attempts if contact else 0,
        )
    trace = found.stored()
    return {
        "customer": customer,
        "verdict": found,
        "why": words.decided(trace),
        "trace": words.trace_lines(trace),
        "contact": contact,
        "campaign": campaign,
    }


def last_contact(session: CabSession, phone: int | None, customer_id: int) -> Contact | None:
    """The newest contact of the customer with this number."""
    if phone is None:
        return None
    return session.scalar(
        sa.select(Contact)
        .where(Contact.customer_id == customer_id, Contact.phone == phone)
        .order_by(Contact.id.desc())
        .limit(1)
    )
