"""«Почему (не) позвонили»: the answer now and everything before, for the customer and for support."""

import pypdfium2
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import pdf
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallState,
    Campaign,
    Contact,
    Customer,
    InboundAction,
    InboundCall,
    Outcome,
    User,
)
from callcab.scope import Actor, Scope
from callcab.services import blacklist
from callcab.views import call_certificate
from tests import factories, world
from tests.client import Page
from tests.people import People
from tests.services.dialling import NOON

SYSTEM = Scope.system("test")
PHONE = 79253944577
TYPED = "8 (925) 394-45-77"
REFUSED = [
    {"rule": "number", "verdict": "ok", "code": "", "evidence": {"phone": str(PHONE), "kind": "mobile"}},
    {
        "rule": "own_list",
        "verdict": "never",
        "code": "blacklist.own",
        "evidence": {"listed": True, "source": "hand", "author": "Ольга", "reason": "просил не звонить"},
    },
]


def refusal(customer_id: int) -> int:
    """A contact of the customer that was refused with a trace; returns the call's id."""
    with unit_of_work(SYSTEM) as session:
        customer = session.get_one(Customer, customer_id)
        campaign = factories.campaign(session, customer, name=f"Обзвон {customer_id}")
        mine = {"campaign_id": campaign.id, "customer_id": customer_id, "phone": PHONE}
        contact = factories.add(session, Contact(next_at=NOON, **mine))
        ended = {"state": CallState.REFUSED, "outcome": Outcome.REQUEST_REFUSED, "ended_at": NOON}
        made = Call(contact_id=contact.id, attempt=1, decision=REFUSED, deadline_at=NOON, **mine, **ended)
        return int(factories.add(session, made).id)


def forbid(customer_id: int | None, reason: str = "просил не звонить") -> None:
    with unit_of_work(SYSTEM) as session:
        actor = Actor("Ольга", "owner", customer_id=customer_id) if customer_id else Actor("Лида", "lead")
        blacklist.add_many(session, customer_id, [PHONE], source=BlacklistSource.HAND, actor=actor, reason=reason)


def test_a_customer_sees_the_rule_that_decides_now_and_who_put_the_number_on_his_list(people: People) -> None:
    forbid(people.customer_id)
    text = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED}).text
    assert "Сейчас: нельзя" in text
    assert "решило" in text
    assert "кто добавил: Ольга; причина: просил не звонить" in text
    assert "Звонков после0" in text


def test_a_number_that_may_be_called_says_so(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.text("UPDATE customer SET zone = 'UTC'"))
    text = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED}).text
    assert "Сейчас:" in text
    assert "На этот номер ещё не звонили" in text


def test_each_refusal_shows_its_rules_in_order_and_which_decided(people: People) -> None:
    call_id = refusal(people.customer_id)
    page = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED})
    assert "Решило: Чёрный список клиента" in page.text
    assert page.tree.xpath(f"//a[contains(@href, 'details/?id={call_id}')]")


def test_support_sees_all_customers_and_the_platforms_entry_with_its_reason(people: People) -> None:
    refusal(people.customer_id)
    refusal(people.other_id)
    forbid(None, "решение суда")
    text = people.sasha.get("/admin/calls/why/", query={"phone": TYPED}).text
    assert f"Обзвон {people.customer_id}" in text
    assert f"Обзвон {people.other_id}" in text
    assert text.count("Сейчас: нельзя") == 2
    assert "Чёрный список платформы" in text
    assert "решение суда" in text
    assert "Лида" in text


def test_support_narrows_the_page_to_one_customer(people: People) -> None:
    refusal(people.customer_id)
    refusal(people.other_id)
    text = people.sasha.get("/admin/calls/why/", query={"phone": TYPED, "customer": people.customer_id}).text
    assert f"Обзвон {people.other_id}" not in text


def test_a_customer_learns_that_the_platform_forbids_and_nothing_more(people: People) -> None:
    refusal(people.other_id)
    forbid(None, "жалоба на ООО «Лютик»")
    text = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED}).text
    assert "Чёрный список платформы" in text
    assert "Сейчас: нельзя" in text
    for secret in ("Лютик", "Лида", f"Обзвон {people.other_id}"):
        assert secret not in text


@pytest.mark.parametrize(("typed", "sentence"), [("123", "номер"), ("чепуха", "номер")])
@pytest.mark.parametrize(("face", "who"), [("cabinet", "olga"), ("admin", "sasha")])
def test_what_is_no_number_is_said_and_stays_typed(
    people: People, face: str, who: str, typed: str, sentence: str
) -> None:
    page = getattr(people, who).get(f"/{face}/calls/why/", query={"phone": typed})
    assert sentence in page.text
    assert page.tree.xpath("string(//input[@id='why-phone']/@value)") == typed


def test_a_number_that_nobody_has_offers_to_name_a_customer(people: People) -> None:
    assert "Этого номера нет ни у одного клиента" in people.sasha.get("/admin/calls/why/", query={"phone": TYPED}).text


def test_long_histories_come_in_pages(people: People) -> None:
    world.fill(people)
    first = refusal(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, first)
        values = {
            name: getattr(call, name) for name in ("campaign_id", "contact_id", "customer_id", "phone", "decision")
        }
        rest = {"state": CallState.REFUSED, "outcome": Outcome.REQUEST_REFUSED, "ended_at": NOON, "deadline_at": NOON}
        session.add_all(Call(attempt=number, **values, **rest) for number in range(2, 62))
    page = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED})
    assert page.text.count("Решило:") == 50
    assert people.olga.get(page.link("Показать ещё")).text.count("Решило:") == 11


@pytest.mark.parametrize("where", ["/admin/search/?q=89253944577", "/admin/blacklist/", "/admin/calls/"])
def test_support_gets_there_from_search_calls_and_the_blacklist(people: People, where: str) -> None:
    forbid(people.customer_id)
    refusal(people.customer_id)
    page = people.sasha.get(where)
    assert "phone=%2B79253944577" in page.link("Почему (не) позвонили")


def test_a_customer_gets_there_from_a_call_and_from_his_blacklist(people: People) -> None:
    forbid(people.customer_id)
    call_id = refusal(people.customer_id)
    for where in (f"/cabinet/calls/details/?id={call_id}", "/cabinet/blacklist/"):
        assert people.olga.get(where).tree.xpath("//a[@href='/cabinet/calls/why/?phone=%2B79253944577']")


def test_the_decision_of_a_campaign_under_way_names_its_next_attempt(people: People) -> None:
    refusal(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Campaign).values(state="running", name="Идущая"))
        session.execute(sa.delete(BlacklistEntry))
    text = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED}).text
    assert "Рассылка: Идущая, следующая попытка" in text


def test_calls_searched_for_a_whole_number_say_whether_it_may_be_called(people: People) -> None:
    forbid(people.customer_id)
    forbid(people.other_id, "тайна")
    page = people.olga.get("/cabinet/calls/", query={"search": TYPED})
    assert "Сейчас: нельзя" in page.text
    assert "Чёрный список клиента" in page.text
    assert "тайна" not in page.text
    assert page.link("Почему (не) позвонили")
    assert "Сейчас:" not in people.olga.get("/cabinet/calls/", query={"search": "4577"}).text


# «Справка по номеру»


def read_back(page: Page) -> str:
    """The text of a PDF with single spaces."""
    pages = pypdfium2.PdfDocument(page.response.get_data())
    return " ".join(" ".join(part.get_textpage().get_text_range() for part in pages).split())


def test_a_certificate_prints_the_customers_calls_and_that_nothing_rang_after_the_opt_out(people: People) -> None:
    refusal(people.customer_id)
    refusal(people.other_id)
    forbid(people.customer_id)
    page = people.olga.get("/cabinet/calls/why/", query={"phone": TYPED})
    answer = people.olga.get(page.link("Справка по номеру (PDF)"))
    assert answer.response.mimetype == "application/pdf"
    assert "spravka-79253944577.pdf" in answer.response.headers["Content-Disposition"]
    text = read_back(answer)
    for part in (
        "Справка по номеру +7(925)394-45-77 от",
        "Кто звонил ООО «Ромашка»",
        "Звонков и отказов позвонить 1",
        "Время указано МСК",
        "Источник Ручной ввод",
        "Действует бессрочно",
        "Реакция меньше секунды",
        "После этого звонков на номер не было.",
        f"Обзвон {people.customer_id}",
        "Чёрный список клиента",
        "стр. 1",
    ):
        assert part in text
    assert f"Обзвон {people.other_id}" not in text


def test_supports_certificate_holds_all_customers_calls_in_and_out(people: People) -> None:
    refusal(people.customer_id)
    refusal(people.other_id)
    forbid(None, "решение суда")
    with unit_of_work(SYSTEM) as session:
        came = {"provider_ref": "i-1", "phone": PHONE, "to_phone": 79250000001, "deadline_at": NOON, "ended_at": NOON}
        done = {"action": InboundAction.REFUSE, "code": "inbound.duty", "outcome": Outcome.REJECTED}
        session.add(InboundCall(**came, **done))
    text = read_back(people.sasha.get("/admin/calls/certificate/", query={"phone": TYPED}))
    assert "Кто звонил все клиенты сервиса" in text
    assert "Список платформа: для всех клиентов" in text
    assert "+7(925)000-00-01 Не принят" in text
    for customer_id in (people.customer_id, people.other_id):
        assert f"Обзвон {customer_id}" in text
    # Whose words they are, and what was said, stays with support.
    assert "Лида" not in text
    assert "решение суда" not in text


def test_a_certificate_is_russian_whatever_the_reader_speaks(people: People) -> None:
    refusal(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(User).values(language="en"))
    text = read_back(people.olga.get("/cabinet/calls/certificate/", query={"phone": TYPED}))
    assert "Не звонили" in text
    assert "Номера нет в чёрном списке" in text


def test_a_certificate_of_many_calls_says_how_many_did_not_fit(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal(people.customer_id)
    refusal(people.customer_id)
    monkeypatch.setattr(call_certificate, "MOST", 1)
    text = read_back(people.olga.get("/cabinet/calls/certificate/", query={"phone": TYPED}))
    assert "Более ранних звонков, не вошедших в справку: 1." in text


def test_a_certificate_of_a_hundred_calls_is_drawn_in_time(people: People) -> None:
    first = refusal(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, first)
        values = {
            name: getattr(call, name) for name in ("campaign_id", "contact_id", "customer_id", "phone", "decision")
        }
        rest = {"state": CallState.REFUSED, "outcome": Outcome.REQUEST_REFUSED, "ended_at": NOON, "deadline_at": NOON}
        session.add_all(Call(attempt=number, **values, **rest) for number in range(2, 101))
    assert "Звонков и отказов позвонить 100" in read_back(
        people.olga.get("/cabinet/calls/certificate/", query={"phone": TYPED})
    )


def test_a_certificate_of_no_number_is_not_found_and_one_that_fails_says_so(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.olga.get("/cabinet/calls/certificate/", query={"phone": "чепуха"}, status=404)

    def fail(html: str) -> bytes:
        raise pdf.PdfError("limit")

    monkeypatch.setattr(pdf, "render_pdf", fail)
    page = people.olga.get("/cabinet/calls/certificate/", query={"phone": TYPED}, status=None)
    assert page.status == 503
    assert "Справка сейчас не составляется" in page.text
