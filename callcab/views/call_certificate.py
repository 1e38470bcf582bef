"""«Справка по номеру»: a Russian document for complaints, in the words of the pages, never translated (rule F13)."""

from collections.abc import Sequence

from flask_babel import force_locale

from callcab.db import CabSession
from callcab.lib import clock, invoice_text, pdf
from callcab.models import Call, Customer, InboundCall
from callcab.services.call import history
from callcab.web import errors
from callcab.web import telephony_words as words
from callcab.web.formatters import current_zone, duration, moment, phone

# The renderer has twenty seconds; more calls of one number are a list to download.
MOST = 100


def draw(session: CabSession, number: int, customer: Customer | None) -> bytes:
    """The certificate about one number: of one customer, or (support) of all. Raises ``lib.pdf.PdfError``."""
    with force_locale("ru"):
        return pdf.certificate_pdf(document(session, number, customer))


def document(session: CabSession, number: int, customer: Customer | None) -> pdf.NumberCertificate:
    """What it prints, in the language of the moment."""
    whose = customer.id if customer else None
    made = history.calls(session, phone=number, customer_id=whose, limit=MOST)
    total = history.count(session, phone=number, customer_id=whose)
    now = clock.now()
    return pdf.NumberCertificate(
        title=f"Справка по номеру {phone(number)} от {invoice_text.long_date(now.date())}",
        facts=(
            ("Кто звонил", _name(customer)),
            ("Звонков и отказов позвонить", str(total)),
            ("Составлена", moment(now)),
            ("Время указано", words.moscow_offset(current_zone().key)),
        ),
        refusals=tuple(_refusal(item, customer) for item in history.opt_outs(session, phone=number, customer_id=whose)),
        calls=_calls(made, of_all=customer is None),
        came_in=_came_in(history.came_in(session, phone=number, customer_id=whose)),
        left_out=total - len(made),
    )


def _name(customer: Customer | None) -> str:
    if customer is None:
        return "все клиенты сервиса"
    return f"{customer.name}, ИНН {customer.inn}" if customer.inn else customer.name


def _refusal(item: history.OptOut, customer: Customer | None) -> tuple[tuple[tuple[str, str], ...], str]:
    entry = item.entry
    whose = entry.customer.name if entry.customer else "платформа: для всех клиентов"
    facts = (
        *((("Список", whose),) if customer is None else ()),
        ("Источник", str(words.BLACKLIST_SOURCES[entry.source])),
        ("Попросил не звонить", moment(item.asked_at)),
        ("В чёрном списке с", moment(entry.created_at)),
        ("Действует", f"до {moment(entry.expires_at)}" if entry.expires_at else "бессрочно"),
        ("Реакция", words.reaction(item.reaction)),
    )
    after = "После этого звонков на номер не было."
    return facts, after if not item.calls_after else f"После этого звонков на номер: {item.calls_after}."


def _calls(made: Sequence[Call], *, of_all: bool) -> tuple[tuple[str, ...], ...]:
    if not made:
        return ()
    head = ("Дата и время", *(("Клиент",) if of_all else ()), "Рассылка", "С номера", "Исход", "Решило", "Разговор")
    rows = (
        (
            moment(call.created_at),
            *((call.customer.name,) if of_all else ()),
            call.campaign.name,
            phone(call.from_phone),
            str(words.OUTCOMES[call.outcome.value][0] if call.outcome else words.CALL_STATES[call.state][0]),
            words.decided(call.decision),
            duration(call.seconds),
        )
        for call in made
    )
    return head, *rows


def _came_in(calls: Sequence[InboundCall]) -> tuple[tuple[str, ...], ...]:
    if not calls:
        return ()
    rows = (
        (
            moment(call.created_at),
            phone(call.to_phone),
            str(errors.TEXTS[f"inbound_action.{call.action.value}"]),
            call.digits or "—",
            duration(call.seconds),
        )
        for call in calls
    )
    return ("Дата и время", "На номер", "Что сделано", "Нажато", "Разговор"), *rows
