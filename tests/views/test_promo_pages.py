"""Promo codes as people meet them."""

from datetime import timedelta

import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as operation_job
from callcab.lib import clock
from callcab.models import (
    Customer,
    Operation,
    Payment,
    PaymentMethod,
    PromoAttempt,
    PromoBatch,
    PromoCode,
    StoredFile,
)
from callcab.scope import Actor, Scope
from callcab.services import payment, promo, stored_file
from tests import factories
from tests.people import People

SYSTEM = Scope.system("test")
LIDA = Actor("Лида", "lead")


def issue(code: str, **values: object) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.promo_code(session, code=code, **values)


def test_a_customer_activates_a_code_and_sees_the_sum(people: People) -> None:
    issue("SPRING23", amount="500")
    page = people.olga.get("/cabinet/promo/").form(has="code").submit(code="spring-23", status=200)
    assert "Начислено 500,00 ₽" in page.text
    assert page.rows()[0][1:] == ["SPRI-NG23", "500,00 ₽", "Начислено"]
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.customer_id).balance == 1500


def test_a_code_taken_before_is_refused_and_what_was_typed_stays(people: People) -> None:
    issue("SPRING23", uses=5)
    browser = people.olga
    browser.get("/cabinet/promo/").form(has="code").submit(code="SPRING23")
    page = browser.get("/cabinet/promo/").form(has="code").submit(code="SPRING23", status=409)
    assert "Вы уже активировали этот промокод." in page.text
    assert page.form(has="code").values["code"] == "SPRING23"


def test_a_wrong_code_is_counted_although_it_was_refused(people: People) -> None:
    browser = people.olga
    for _ in range(promo.TRIES):
        browser.get("/cabinet/promo/").form(has="code").submit(code="WRONG", status=404)
    page = browser.get("/cabinet/promo/").form(has="code").submit(code="WRONG", status=429)
    assert "Слишком много неудачных попыток" in page.text
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PromoAttempt)) == promo.TRIES


def test_an_expired_code_says_so(people: People) -> None:
    issue("SPRING23", expires_at=clock.now() - timedelta(days=1))
    page = people.olga.get("/cabinet/promo/").form(has="code").submit(code="SPRING23", status=409)
    assert "Срок действия промокода истёк." in page.text


def test_an_operator_without_money_rights_sees_no_promo_page(people: People) -> None:
    people.kolya.get("/cabinet/promo/", status=403)
    people.kolya.post("/cabinet/promo/activate/", code="SPRING23", status=403)


def test_activations_of_another_customer_are_not_listed(people: People) -> None:
    issue("SPRING23")
    people.olga.get("/cabinet/promo/").form(has="code").submit(code="SPRING23")
    assert "SPRI" not in people.stranger.get("/cabinet/promo/").text


def test_support_issues_a_batch_once_and_sees_its_tabs(people: People) -> None:
    browser = people.lida
    form = browser.get("/admin/promos/new/").form(has="count")
    wanted = {"name": "Осень", "amount": "1 200,50", "count": "25", "uses_per_code": "2", "expires_at": "31.12.2099"}
    page = form.submit(**wanted)
    assert "Выпущено 25 промокодов." in page.text
    form.submit(**wanted)
    with unit_of_work(SYSTEM) as session:
        batch = session.scalars(sa.select(PromoBatch)).one()
        assert session.scalar(sa.select(sa.func.count()).select_from(PromoCode)) == 25
    row = next(row for row in browser.get("/admin/promos/").rows() if "Осень" in row)
    assert {"1 200,50 ₽", "25", "60 025,00 ₽", "31.12.2099", "Действует"} <= set(row)
    for tab in ("", "funnel", "codes", "activations"):
        browser.get(f"/admin/promos/details/?id={batch.id}&tab={tab}")


def test_a_batch_with_an_odd_amount_is_refused_with_its_field(people: People) -> None:
    form = people.lida.get("/admin/promos/new/").form(has="count")
    page = form.submit(name="Осень", amount="1e3", count="5", uses_per_code="1", status=422)
    assert "Номинал должен быть больше нуля" in page.text
    assert page.form(has="count").values["name"] == "Осень"


def test_support_pauses_a_batch_and_goes_on(people: People) -> None:
    issue("SPRING23")
    with unit_of_work(SYSTEM) as session:
        batch_id = session.scalars(sa.select(PromoBatch.id)).one()
    browser = people.lida
    browser.post("/admin/promos/action/", one=f"pause:{batch_id}", confirmed="1")
    assert "Пауза" in browser.get("/admin/promos/").text
    assert people.olga.post("/cabinet/promo/activate/", code="SPRING23").status == 409
    browser.post("/admin/promos/action/", one=f"resume:{batch_id}")
    assert people.olga.post("/cabinet/promo/activate/", code="SPRING23").status == 200


def test_support_finds_who_took_a_code_by_any_writing(people: People) -> None:
    issue("SPRING23")
    people.olga.get("/cabinet/promo/").form(has="code").submit(code="SPRING23")
    browser = people.lida
    page = browser.get("/admin/promo-codes/?search=spring 23")
    assert page.rows()[0][-2] == "1 / 1" or "1 / 1" in page.text
    with unit_of_work(SYSTEM) as session:
        code_id = session.scalars(sa.select(PromoCode.id)).one()
    assert "ООО «Ромашка»" in browser.get(f"/admin/promo-codes/details/?id={code_id}&tab=who").text
    assert "Всего найдено: 1" in browser.get(f"/admin/promo-codes/?customer={people.customer_id}").text
    assert "Всего найдено: 0" in browser.get(f"/admin/promo-codes/?customer={people.other_id}").text


def test_a_reversed_activation_shows_on_both_sides(people: People) -> None:
    issue("SPRING23", amount="500", uses=2)
    people.olga.get("/cabinet/promo/").form(has="code").submit(code="SPRING23")
    people.stranger.get("/cabinet/promo/").form(has="code").submit(code="SPRING23")
    with unit_of_work(SYSTEM) as session:
        mine = Payment.customer_id == people.customer_id, Payment.method == PaymentMethod.PROMO
        payment.reverse(session, session.scalars(sa.select(Payment.id).where(*mine)).one(), reason="Ошибка", actor=LIDA)
        batch_id = session.scalars(sa.select(PromoBatch.id)).one()
    row = people.olga.get("/cabinet/promo/").rows()[0]
    assert row[-1].startswith("Сторнировано ")
    assert "Ничего не найдено" in people.olga.get("/cabinet/promo/?state=credited").text
    assert len(people.olga.get("/cabinet/promo/?state=reversed").rows()) == 1
    assert people.stranger.get("/cabinet/promo/").rows()[0][-1] == "Начислено"
    assert "Зачисление, сторнировано" in people.olga.get("/cabinet/payments/").text
    browser = people.lida
    assert browser.get(f"/admin/promos/details/?id={batch_id}&tab=activations").text.count("Сторнировано") == 1
    funnel = browser.get(f"/admin/promos/details/?id={batch_id}&tab=funnel").text
    assert "Активаций2Из них сторнировано1Начислено500,00" in funnel
    assert "Сторнировано" in browser.get(f"/admin/clients/details/?id={people.customer_id}&tab=promo").text


def test_an_agent_may_look_but_not_issue(people: People) -> None:
    people.sasha.get("/admin/promos/")
    people.sasha.get("/admin/promos/new/", status=403)
    people.sasha.get("/admin/promo-codes/")


def test_a_lead_exports_the_codes_of_a_batch_and_an_agent_may_not(people: People) -> None:
    issue("SPRING23", amount="500")
    issue("AUTUMN45")
    with unit_of_work(SYSTEM) as session:
        batch_id = session.scalars(sa.select(PromoCode.batch_id).where(PromoCode.code == "SPRING23")).one()
    people.sasha.post("/admin/promo-codes/export/", status=403)
    page = people.lida.post(f"/admin/promo-codes/export/?batch={batch_id}")
    assert page.status == 200
    with unit_of_work(SYSTEM) as session:
        started = session.scalars(sa.select(Operation.id)).one()
    operation_job.run(started)
    with unit_of_work(SYSTEM) as session:
        file = session.scalars(sa.select(StoredFile)).one()
        lines = stored_file.path(file).read_bytes().decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Промокод;Выпуск;Номинал")
    assert lines[1].startswith("SPRI-NG23;Весна;500,00;1;0;")
