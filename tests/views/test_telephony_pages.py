"""Pages of numbers, verifications, campaigns, calls and the handset, as people see them."""

from datetime import timedelta
from decimal import Decimal

import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import dialer
from callcab.jobs.verification import place
from callcab.lib import clock
from callcab.models import Call, CallState, NumberKind, NumberState, Outcome, PhoneNumber, Verification
from callcab.providers import telephony
from callcab.scope import Actor, Scope
from callcab.services import verification
from callcab.views.phone_number.cabinet import CabinetNumber
from tests import factories, world
from tests.people import People

SYSTEM = Scope.system("test")
CABINET = ("numbers", "numbers/new", "campaigns", "campaigns/new", "calls", "calls/why", "handset")
SUPPORT = ("numbers", "numbers/new", "verifications", "campaigns", "calls", "calls/why", "handset")


@pytest.fixture(autouse=True)
def empty_lines(settings: Settings) -> None:
    redis.Redis.from_url(str(settings.redis_url)).flushall()


@pytest.mark.parametrize("path", CABINET)
def test_the_owner_opens_every_page(people: People, path: str) -> None:
    page = people.olga.get(f"/cabinet/{path}/")
    assert page.status == 200
    assert page.title


@pytest.mark.parametrize("path", SUPPORT)
def test_a_lead_opens_every_page(people: People, path: str) -> None:
    assert people.lida.get(f"/admin/{path}/").status == 200


def test_a_viewer_may_not_add_numbers_or_use_the_handset(people: People) -> None:
    vera = people.browser("vera")
    refused = vera.get("/cabinet/numbers/new/", status=403)
    assert "попросите владельца" in refused.text
    vera.get("/cabinet/handset/", status=403)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("8 701 123-45-67", "другой страны"), ("8-800-555-35-35", "робот не звонит"), ("", "Введите")],
)
def test_a_wrong_number_is_explained_and_stays_in_the_field(people: People, typed: str, sentence: str) -> None:
    olga = people.olga
    olga.get("/cabinet/numbers/new/")
    page = olga.post("/cabinet/numbers/new/", phone=typed)
    assert page.status == 422
    assert sentence in page.text
    assert page.tree.xpath("string(//input[@name='phone']/@value)") == typed


def verify(people: People, typed: str = "8 925 394-45-77") -> tuple[int, int]:
    """Ask for a call; returns the ids of the number and the attempt."""
    olga = people.olga
    olga.get("/cabinet/numbers/new/")
    olga.post("/cabinet/numbers/new/", phone=typed)
    with unit_of_work(SYSTEM) as session:
        attempt = session.scalars(sa.select(Verification)).one()
        return int(attempt.number_id or 0), attempt.id


def run_lines(seconds: int) -> None:
    """Let the simulated time pass and its events reach the rules."""
    provider = telephony.provider()
    start = clock.now()
    for step in range(seconds * 2):
        with clock.frozen(start + timedelta(seconds=step / 2)):
            while provider.step(dialer.Rules()):  # type: ignore[attr-defined]
                pass


def state_of(number_id: int) -> NumberState:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(PhoneNumber, number_id).state


def press(people: People, what: str) -> None:
    """As a person at the virtual handset where one telephone rings."""
    page = people.olga.get("/cabinet/handset/")
    assert "Симулятор: это не настоящий звонок" in page.text
    assert "+7(925)394-45-77" in page.text
    reference = page.tree.xpath("string(//input[@name='reference']/@value)")
    people.olga.post("/cabinet/handset/press/", reference=reference, what=what)
    run_lines(1)


def answered(people: People) -> int:
    """A verification call whose telephone was picked up; returns the id of the number."""
    number_id, attempt_id = verify(people)
    place(attempt_id)
    run_lines(2)
    press(people, "answer")
    card = people.olga.get(f"/cabinet/numbers/card/?id={number_id}").body
    assert "Вы ответили" in card
    assert "Нажмите 1" in card
    return number_id


def test_a_line_is_answered_no_sooner_than_it_rings(people: People) -> None:
    _number_id, attempt_id = verify(people)
    place(attempt_id)
    button = "//main//button[@value='answer']"
    assert people.olga.get("/cabinet/handset/").tree.xpath(f"{button}[@disabled][@data-off]")
    run_lines(2)
    assert people.olga.get("/cabinet/handset/").tree.xpath(f"{button}[not(@disabled)]")


def test_another_key_is_told_at_once_while_the_robot_asks_again(people: People) -> None:
    number_id = answered(people)
    press(people, "5")
    card = people.olga.get(f"/cabinet/numbers/card/?id={number_id}").body
    assert "Нажата клавиша 5, а нужна 1" in card
    assert "Нажмите 1" in card
    press(people, "1")
    assert state_of(number_id) is NumberState.VERIFIED


def test_pressing_one_on_the_handset_verifies_the_number(people: People) -> None:
    number_id = answered(people)
    press(people, "1")
    olga = people.olga
    assert state_of(number_id) is NumberState.VERIFIED
    assert "Номер подтверждён" in olga.get(f"/cabinet/numbers/card/?id={number_id}").body


def test_a_failed_call_says_why_and_offers_another(people: People) -> None:
    number_id, attempt_id = verify(people, "+7 925 394-45-04")
    place(attempt_id)
    run_lines(5)
    page = people.olga.get(f"/cabinet/numbers/check/?id={number_id}")
    assert "Номер был занят" in page.text
    assert "Осталось попыток сегодня: 2" in page.text
    assert "Позвонить ещё раз" in page.text


def test_a_call_that_ends_while_the_card_is_drawn_shows_its_end(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    number_id, attempt_id = verify(people)
    find = CabinetNumber._own_number

    def find_and_lose_time(view: CabinetNumber, *arguments: str) -> PhoneNumber:
        number = find(view, *arguments)
        with unit_of_work(SYSTEM) as session:
            verification.confirm_by_hand(session, attempt_id, actor=Actor.system(), reason="успел")
        return number

    monkeypatch.setattr(CabinetNumber, "_own_number", find_and_lose_time)
    assert "Номер подтверждён" in people.olga.get(f"/cabinet/numbers/card/?id={number_id}").text


def test_a_stranger_sees_neither_the_card_nor_the_line(people: People) -> None:
    number_id, attempt_id = verify(people)
    place(attempt_id)
    run_lines(2)
    stranger = people.stranger
    stranger.get(f"/cabinet/numbers/check/?id={number_id}", status=404)
    assert "394-45-77" not in stranger.get("/cabinet/handset/").body
    with unit_of_work(SYSTEM) as session:
        reference = session.get_one(Verification, attempt_id).provider_ref
    assert stranger.post("/cabinet/handset/press/", reference=reference, what="1").status == 404


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("kind=personal", ["+7(903)111-22-33"]),
        ("kind=free", ["+7(925)000-50-01"]),
        ("kind=duty", ["+7(925)000-50-02"]),
        ("state=busy", ["+7(925)000-50-03"]),
        ("search=8(903)111", ["+7(903)111-22-33"]),
        ("search=111-22-33", ["+7(903)111-22-33"]),
        ("search=нет", []),
    ],
)
def test_the_list_finds_numbers_by_kind_state_and_any_spelling(people: People, query: str, shown: list[str]) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.number(session, phone=79250005001)
        factories.number(session, phone=79250005002, kind=NumberKind.DUTY)
        factories.number(session, phone=79250005003, state=NumberState.BUSY)
        factories.number(
            session,
            phone=79031112233,
            kind=NumberKind.PERSONAL,
            state=NumberState.VERIFIED,
            customer_id=people.customer_id,
        )
    page = people.olga.get(f"/cabinet/numbers/?{query}")
    assert f"Всего найдено: {len(shown)}" in page.text
    assert all(phone in page.text for phone in shown)


def test_a_campaign_is_drawn_up_and_started(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/campaigns/new/")
    key = page.tree.xpath("string(//input[@name='request_key']/@value)")
    form = {
        "name": "Напоминание",
        "purpose": "information",
        "prompt": "Здравствуйте!",
        "contacts": "8 925 394-45-01\n8 925 394-45-01\nмусор 12345\n+7 925 394 45 04",
        "calls_from": "09:00",
        "calls_until": "20:00",
        "lines": "2",
        "max_attempts": "2",
        "days": list("1234567"),
        "machine": "play",
        "own_number_id": "",
        "rule_1": "",
        "rule_2": "",
        "rule_9": "blacklist",
        "request_key": key,
    }
    checked = olga.post("/cabinet/campaigns/new/", **{**form, "check": "1"})
    assert "Подходит номеров: 2" in checked.text
    made = olga.post("/cabinet/campaigns/new/", **form)
    assert made.status in (200, 303)
    page = olga.get("/cabinet/campaigns/details/?id=1")
    assert "Черновик" in page.text
    assert "Проверить и запустить" in page.text
    olga.get("/cabinet/campaigns/check/?id=1").form(to="/cabinet/campaigns/steer/").submit()
    assert "Ожидает: запускается" in olga.get("/cabinet/campaigns/details/?id=1").text
    people.stranger.get("/cabinet/campaigns/details/?id=1", status=404)


def test_advertising_without_consent_is_refused_beside_its_field(people: People) -> None:
    olga = people.olga
    olga.get("/cabinet/campaigns/new/")
    form = {
        "name": "Скидки",
        "purpose": "advertising",
        "prompt": "Скидки!",
        "contacts": "8 925 394-45-01",
        "calls_from": "09:00",
        "calls_until": "20:00",
        "lines": "2",
        "max_attempts": "2",
        "days": list("1234567"),
        "machine": "play",
        "own_number_id": "",
        "rule_1": "",
        "rule_2": "",
        "rule_9": "",
    }
    page = olga.post("/cabinet/campaigns/new/", **form)
    assert page.status == 422
    assert "38-ФЗ" in page.text


@pytest.mark.parametrize("face", ["cabinet", "admin"])
def test_a_lost_call_says_why_it_cost_nothing(people: People, face: str) -> None:
    world.fill(people)
    with unit_of_work(Scope.system("test")) as session:
        call = session.scalars(sa.select(Call).where(Call.customer_id == people.customer_id)).one()
        call.state, call.outcome, call.cost = CallState.FINISHED, Outcome.LOST, Decimal("0.00")
        call.ended_at = call.ended_at or clock.now()
    browser = people.olga if face == "cabinet" else people.sasha
    assert "Это не ваша вина: звонок бесплатный." in browser.get(f"/{face}/calls/details/?id={call.id}").text


@pytest.mark.parametrize(
    "url", ["/cabinet/calls/why/?phone=8+925+394-45-01", "/admin/calls/why/?phone=89253944501&customer=1"]
)
def test_the_page_why_shows_every_rule(people: People, url: str) -> None:
    browser = people.olga if url.startswith("/cabinet") else people.sasha
    page = browser.get(url)
    for rule in ("Чёрный список клиента", "Время у абонента", "Баланс", "Повторы"):
        assert rule in page.text


@pytest.mark.parametrize("tab", ["", "leases", "rentals", "health", "checks", "log"])
def test_support_opens_every_tab_of_a_number(people: People, tab: str) -> None:
    number_id, _ = verify(people)
    assert people.sasha.get(f"/admin/numbers/details/?id={number_id}&tab={tab}").status == 200


def test_support_confirms_by_hand_with_a_reason(people: People) -> None:
    number_id, attempt_id = verify(people)
    sasha = people.sasha
    assert sasha.get(f"/admin/verifications/details/?id={attempt_id}&tab=events").status == 200
    form = {"one": f"confirm:{attempt_id}", "confirmed": "1", "reason": "Договор с оператором"}
    sasha.post("/admin/verifications/action/", **form)
    assert state_of(number_id) is NumberState.VERIFIED


def test_an_own_number_is_deleted_from_its_menu(people: People) -> None:
    number_id, _ = verify(people)
    olga = people.olga
    olga.get("/cabinet/numbers/")
    olga.post("/cabinet/numbers/action/", one=f"delete:{number_id}", confirmed="1")
    with unit_of_work(SYSTEM) as session:
        assert session.get(PhoneNumber, number_id) is None
        assert session.scalars(sa.select(Verification.outcome)).all() == ["cancelled"]


@pytest.mark.parametrize("url", ["/cabinet/numbers/", "/cabinet/calls/"])
def test_the_owner_starts_a_download(people: People, url: str) -> None:
    answer = people.olga.post(f"{url}export/", follow=False)
    assert answer.status == 303
    assert "/cabinet/jobs/" in answer.response.headers["Location"]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Заполните это поле."),
        ("name", "я" * 121, "Слишком длинно: не больше 120 знаков."),
        ("lines", "много", "Введите целое число."),
        ("lines", "51", "Укажите число от 1 до 50."),
        ("calls_from", "25:99", "Введите время так: 10:55."),
        ("purpose", "fun", "Выберите значение из списка."),
    ],
)
def test_a_wrong_field_of_a_campaign_is_explained_in_our_words(
    people: People, field: str, typed: str, sentence: str
) -> None:
    form = {
        "name": "Напоминание",
        "purpose": "information",
        "prompt": "Здравствуйте!",
        "contacts": "8 925 394-45-01",
        "calls_from": "09:00",
        "calls_until": "20:00",
        "lines": "2",
        "max_attempts": "2",
        "days": list("1234567"),
        "machine": "play",
        "own_number_id": "",
    }
    page = people.olga.post("/cabinet/campaigns/new/", **{**form, field: typed})
    assert page.status == 422
    assert sentence in page.text


def test_hours_of_a_campaign_are_typed_in_our_format(people: People) -> None:
    """Rule U20: a native field shows 08:00 PM wherever the browser is English."""
    page = people.olga.get("/cabinet/campaigns/new/")
    assert page.tree.xpath("//input[@name='calls_until'][@type='text']/@value") == ["20:00"]
