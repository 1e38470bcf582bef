"""«Входящие» and dialling in from the virtual handset, as people see them."""

from datetime import timedelta
from io import BytesIO

import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import dialer, inbound_call
from callcab.lib import clock
from callcab.models import (
    AudioRecording,
    BlacklistEntry,
    Customer,
    InboundAction,
    InboundCall,
    IvrAction,
    IvrRule,
    NumberKind,
    NumberState,
    Outcome,
)
from callcab.providers import telephony
from callcab.providers.telephony.simulator import Simulator
from callcab.scope import Scope
from tests import factories, sounds, world
from tests.client import Browser, Page
from tests.people import People

SYSTEM = Scope.system("test")
CALLER = "8 916 111-22-33"


@pytest.fixture(autouse=True)
def empty_lines(settings: Settings) -> None:
    redis.Redis.from_url(str(settings.redis_url)).flushall()


def own_number(people: People) -> int:
    with unit_of_work(SYSTEM) as session:
        made = factories.number(
            session, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED, customer_id=people.customer_id
        )
        return made.phone


def run_lines(seconds: int) -> None:
    """Let the simulated time pass and its events reach the rules."""
    provider = telephony.provider()
    assert isinstance(provider, Simulator)
    start = clock.now()
    for step in range(seconds * 2):
        with clock.frozen(start + timedelta(seconds=step / 2)):
            while provider.step(dialer.Rules()):
                pass


def dial_in(browser: Browser, to: int | str, caller: str = CALLER, face: str = "cabinet") -> Page:
    browser.get(f"/{face}/handset/")
    return browser.post(f"/{face}/handset/dial/", caller=caller, to=f"+{to}" if isinstance(to, int) else to)


def press(browser: Browser, page: Page, what: str) -> None:
    reference = page.tree.xpath("string(//input[@name='reference']/@value)")
    assert browser.post("/cabinet/handset/press/", reference=reference, what=what).status == 200


def test_a_call_to_an_own_number_rings_its_owner_and_is_on_the_list(people: People) -> None:
    phone = own_number(people)
    olga = people.olga
    dial_in(olga, phone)
    run_lines(1)
    page = olga.get("/cabinet/handset/")
    assert "соединяем с владельцем" in page.text
    press(olga, page, "answer")
    run_lines(2)
    press(olga, olga.get("/cabinet/handset/"), "drop")
    run_lines(1)
    listed = olga.get("/cabinet/inbound/")
    assert "+7(916)111-22-33" in listed.text
    assert "Соединён с владельцем" in listed.text
    assert "Поговорили" in listed.text
    details = olga.get("/cabinet/inbound/details/?id=1")
    assert "Личный номер: звонок идёт его владельцу." in details.text
    assert "Ответ" in olga.get("/cabinet/inbound/details/?id=1&tab=events").text


def test_nine_pressed_by_who_called_back_is_an_opt_out(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, people.customer_id)
        campaign, number = factories.campaign(session, owner), factories.number(session)
        common = {"campaign_id": campaign.id, "customer_id": owner.id}
        session.add(IvrRule(digit="9", action=IvrAction.BLACKLIST, **common))
        factories.call(session, campaign, phone=79161112233, from_phone=number.phone)
        phone = number.phone
    olga = people.olga
    dial_in(olga, phone)
    run_lines(1)
    page = olga.get("/cabinet/handset/")
    assert "Робот говорит: «Здравствуйте!»" in page.text
    press(olga, page, "9")
    run_lines(1)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [79161112233]


def test_who_calls_back_a_campaign_with_a_recording_hears_it_on_the_handset(people: People) -> None:
    olga = people.olga
    form = olga.get("/cabinet/audio-recordings/new/").form(has="file")
    form.submit(name="Акция", file=(BytesIO(sounds.tone(8.0)), "a.wav"))
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, people.customer_id)
        recording_id = session.scalars(sa.select(AudioRecording.id)).one()
        campaign = factories.campaign(session, owner, prompt="", recording_id=recording_id)
        number = factories.number(session)
        factories.call(session, campaign, phone=79161112233, from_phone=number.phone)
        phone = number.phone
    dial_in(olga, phone)
    run_lines(4)
    page = olga.get("/cabinet/handset/")
    assert "Аудиозапись „Акция“" in page.text
    assert olga.get(page.tree.xpath("string(//audio/@src)")).response.mimetype == "audio/wav"
    run_lines(20)
    assert "Аудиозапись" not in olga.get("/cabinet/handset/").text
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(InboundCall.seconds)).one() == 8


def test_a_refused_call_is_said_on_the_handset(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        phone = factories.number(session, kind=NumberKind.DUTY).phone
    landed = dial_in(people.olga, phone)
    assert "Набирают" in landed.text
    run_lines(1)
    fresh = landed.tree.xpath("string(//*[@id='handset-lines']/@hx-get)")
    assert "звонок не приняли" in people.olga.get(fresh).text
    assert "Дежурный номер" in people.sasha.get("/admin/inbound/details/?id=1").text


@pytest.mark.parametrize(
    ("caller", "to", "sentence"),
    [
        ("мусор", "+79250000050", "номер"),
        (CALLER, "", "Введите"),
        (CALLER, "+7 925 000-77-77", "Среди ваших номеров и номеров сервиса такого нет."),
    ],
)
def test_a_wrong_number_on_the_handset_is_explained_and_stays(
    people: People, caller: str, to: str, sentence: str
) -> None:
    page = dial_in(people.olga, to, caller)
    assert page.status == 422
    assert sentence in page.text
    assert page.tree.xpath("string(//input[@name='caller']/@value)") == caller


def test_support_may_dial_any_number_and_sees_that_nobody_has_it(people: People) -> None:
    dial_in(people.sasha, "+7 925 000-77-77", face="admin")
    run_lines(1)
    assert "Такого номера у сервиса нет." in people.sasha.get("/admin/inbound/details/?id=1").text


def test_a_customer_sees_only_his_own_incoming_calls_and_lines(people: People) -> None:
    phone = own_number(people)
    dial_in(people.olga, phone)
    run_lines(1)
    stranger = people.stranger
    assert "Сейчас никто не звонит" in stranger.get("/cabinet/handset/").text
    assert "Входящих пока нет" in stranger.get("/cabinet/inbound/").text
    stranger.get("/cabinet/inbound/details/?id=1", status=404)
    with unit_of_work(SYSTEM) as session:
        reference = session.scalars(sa.select(InboundCall.provider_ref)).one()
    assert stranger.post("/cabinet/handset/press/", reference=reference, what="answer").status == 404


def test_incoming_calls_are_found_by_either_number_and_filtered_by_what_was_done(people: People) -> None:
    world.fill(people)
    olga = people.olga
    assert "Всего найдено: 1" in olga.get("/cabinet/inbound/?search=925111&action=menu").text
    assert "Всего найдено: 1" in olga.get(f"/cabinet/inbound/?search={world.MINE.phone}").text
    assert "Всего найдено: 0" in olga.get("/cabinet/inbound/?action=refuse").text
    assert "Всего найдено: 0" in olga.get("/cabinet/inbound/?search=нет").text


@pytest.mark.parametrize(("face", "who"), [("cabinet", "olga"), ("admin", "sasha")])
def test_the_page_of_a_number_leads_to_its_incoming_calls(people: People, face: str, who: str) -> None:
    phone = own_number(people)
    page = getattr(people, who).get(f"/{face}/numbers/")
    assert page.tree.xpath(f"//a[@href='/{face}/inbound/?search={phone}']")


def test_incoming_calls_are_downloaded(people: People) -> None:
    answer = people.olga.post("/cabinet/inbound/export/", follow=False)
    assert answer.status == 303
    assert "/cabinet/jobs/" in answer.response.headers["Location"]


def test_a_call_without_an_end_is_ended_by_the_timetable(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        session.add(
            InboundCall(
                provider_ref="i-9",
                action=InboundAction.CONNECT,
                code="inbound.owner",
                customer_id=people.customer_id,
                deadline_at=clock.now() - timedelta(seconds=1),
            )
        )
    inbound_call.sweep()
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(InboundCall.outcome)).one() is Outcome.LOST
