"""The operator's requisites and price plans: checked, versioned, one of each the default."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import AuditEvent, Seller, Tariff, VatMode
from callcab.scope import Actor, Scope
from callcab.services import seller, tariff

pytestmark = pytest.mark.usefixtures("connected")
ADMIN = Actor("Админ", "admin")
REQUISITES: dict[str, Any] = {
    "name": "ООО «Колкаб»",
    "inn": "7707083893",
    "kpp": "770701001",
    "ogrn": "",
    "address": "г. Москва",
    "bank_name": "ПАО СБЕРБАНК",
    "bik": "044525225",
    "corr_account": "30101810400000000225",
    "account": "40702810138250123017",
    "head": "Иванов И. И.",
    "accountant": "Петрова П. П.",
    "service_name": "Услуги связи",
    "attention": "",
    "vat_mode": "inside",
    "vat_rate": 22,
    "due_days": 5,
    "is_default": False,
}
PLAN: dict[str, Any] = {
    "name": "Базовый",
    "first_seconds": 60,
    "step_seconds": 6,
    "minute_price": Decimal("1.8"),
    "attempt_price": Decimal("0"),
    "machine_price": Decimal("0.5"),
    "rental_day_price": Decimal("15"),
    "is_default": True,
}


def save_seller(seller_id: int | None = None, version: int = 0, **values: Any) -> Seller:
    with unit_of_work(Scope.staff()) as session:
        return seller.save(session, seller_id, values=REQUISITES | values, version=version, actor=ADMIN)


def save_tariff(tariff_id: int | None = None, version: int = 0, **values: Any) -> Tariff:
    with unit_of_work(Scope.staff()) as session:
        return tariff.save(session, tariff_id, values=PLAN | values, version=version, actor=ADMIN)


def test_the_first_requisites_invoice_by_themselves() -> None:
    made = save_seller()
    assert made.is_default
    assert (made.vat_mode, made.vat_rate, made.version) == (VatMode.INSIDE, Decimal("22"), 1)


def test_spaces_and_cyrillic_letters_in_numbers_do_not_matter() -> None:
    made = save_seller(inn="7707 083893", account="4070 2810 1382 5012 3017", bik=" 044525225 ")
    assert (made.inn, made.account, made.bik) == ("7707083893", "40702810138250123017", "044525225")


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"inn": "7707083890"}, "inn.checksum", "inn"),
        ({"kpp": ""}, "kpp.required", "kpp"),
        ({"ogrn": "1027700132196"}, "ogrn.checksum", "ogrn"),
        ({"bik": "04452522"}, "bank.length", "bik"),
        ({"account": "40702810138250123018"}, "bank.key", "account"),
        ({"account": "40702840400000000001"}, "bank", "account"),
        ({"corr_account": ""}, "bank.empty", "corr_account"),
        ({"corr_account": "40101810400000000225"}, "bank.not_correspondent", "corr_account"),
        ({"vat_rate": 20}, "seller.vat_rate", "vat_rate"),
        ({"vat_rate": None}, "seller.vat_rate", "vat_rate"),
        ({"vat_mode": "sometimes"}, "field.choice", "vat_mode"),
        ({"due_days": 0}, "seller.due_days", "due_days"),
        ({"name": " \t"}, "field.required", "name"),
        ({"head": "А" * 501}, "field.too_long", "head"),
    ],
)
def test_wrong_requisites_are_refused_with_their_field(values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid, match=code) as refused:
        save_seller(**values)
    assert refused.value.field == field


def test_without_vat_there_is_no_rate() -> None:
    assert save_seller(vat_mode="none", vat_rate=22).vat_rate is None


def test_a_save_that_saw_an_older_version_is_refused() -> None:
    made = save_seller()
    save_seller(made.id, made.version, head="Первый П. П.", is_default=True)
    with pytest.raises(Conflict, match="edit.stale"):
        save_seller(made.id, made.version, head="Второй В. В.", is_default=True)


def test_saving_nothing_new_keeps_the_version() -> None:
    made = save_seller()
    assert save_seller(made.id, made.version, is_default=True).version == made.version


def test_other_requisites_take_the_invoicing_over() -> None:
    first = save_seller()
    save_seller(inn="7702070139", kpp="770201001", is_default=True)
    with unit_of_work(Scope.staff()) as session:
        assert not session.get_one(Seller, first.id).is_default
        assert session.scalar(sa.select(sa.func.count()).where(Seller.is_default)) == 1


def test_the_same_inn_twice_is_refused() -> None:
    save_seller()
    with pytest.raises(Conflict, match="seller.inn_known"):
        save_seller()


def test_a_change_is_audited_with_both_values() -> None:
    made = save_seller()
    save_seller(made.id, made.version, due_days=10, is_default=True)
    with unit_of_work(Scope.staff()) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "seller.edit")).one()
    assert (event.before, event.after) == ({"due_days": 5}, {"due_days": 10})


def test_unknown_requisites_are_not_found() -> None:
    with pytest.raises(NotFound):
        save_seller(99)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": ""}, "field.required"),
        ({"first_seconds": 0}, "tariff.seconds"),
        ({"step_seconds": "6"}, "tariff.seconds"),
        ({"minute_price": Decimal("-1")}, "tariff.price"),
        ({"minute_price": Decimal("1.23456")}, "tariff.price"),
        ({"minute_price": Decimal("10000.01")}, "tariff.price"),
        ({"rental_day_price": Decimal("NaN")}, "tariff.price"),
        ({"attempt_price": None}, "tariff.price"),
        ({"machine_price": Decimal("-0.01")}, "tariff.price"),
        ({"duty_minute_price": Decimal("-1")}, "tariff.price"),
        ({"rented_minute_price": "1"}, "tariff.price"),
    ],
)
def test_an_impossible_plan_is_refused(values: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        save_tariff(**values)


def test_a_kind_of_number_has_its_own_price_or_that_of_shared_ones() -> None:
    made = save_tariff(duty_minute_price=Decimal("0"), personal_minute_price=Decimal("0.9"))
    assert (made.duty_minute_price, made.personal_minute_price, made.rented_minute_price) == (0, Decimal("0.9"), None)
    changed = save_tariff(made.id, made.version)
    assert (changed.duty_minute_price, changed.personal_minute_price) == (None, None)


def test_one_plan_is_for_new_customers_and_cannot_just_stop_to_be() -> None:
    first = save_tariff()
    with pytest.raises(Invalid, match="tariff.default_needed"):
        save_tariff(first.id, first.version, is_default=False)
    save_tariff(name="Оптовый")
    with unit_of_work(Scope.staff()) as session:
        assert session.scalars(sa.select(Tariff.name).where(Tariff.is_default)).all() == ["Оптовый"]


def test_a_plan_of_the_same_name_or_an_older_version_is_refused() -> None:
    first = save_tariff()
    with pytest.raises(Conflict, match="tariff.name_known"):
        save_tariff()
    save_tariff(first.id, first.version, step_seconds=1)
    with pytest.raises(Conflict, match="edit.stale"):
        save_tariff(first.id, first.version, step_seconds=2)
