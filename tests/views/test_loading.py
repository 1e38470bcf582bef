"""Tables that support loads: sent, their columns looked at, counted, written, refused rows fetched, all undone."""

import io
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.models import (
    AuditEvent,
    Customer,
    NumberKind,
    NumberState,
    Operation,
    OperationState,
    PhoneNumber,
    PromoBatch,
    PromoCode,
    User,
)
from callcab.scope import Actor, Scope
from callcab.services import customer, payment, row_total
from tests import factories
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")
NUMBERS = (
    "Телефон;Город;Заметка\r\n"
    "8 495 123-45-67;Москва;главный\r\n"
    "+7 (495) 123-45-67;Москва;ещё раз\r\n"
    "74951234568;;\r\n"
    "не номер;Тверь;кто это\r\n"
    "8 800 100-20-30;;\r\n"
)


def send(people: People, what: str, text: str, *, query: str = "", name: str = "table.csv") -> Page:
    """The page of columns of a file."""
    file = (io.BytesIO(text.encode()), name)
    return people.lida.post(f"/admin/load/{what}/{query}", way="file", file=file)


def loaded(people: People, page: Page, **chosen: str) -> Operation:
    """The operation behind a page of columns, counted and written."""
    counted = page.form(to="/admin/load/").submit(**chosen)
    number = int(counted.response.request.args["id"])
    assert operation(number).state is OperationState.READY
    people.lida.post("/admin/jobs/confirm/", id=str(number), expected=str(operation(number).done))
    jobs.run(number)
    return operation(number)


def operation(number: int) -> Operation:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Operation, number)


def counts(row: Operation) -> tuple[OperationState, int, int, int]:
    return row.state, row.done, row.known, row.failed


def test_numbers_of_a_table_come_into_the_pool_with_their_notes(people: People) -> None:
    page = send(people, "numbers", NUMBERS)
    assert page.form(to="/admin/load/").values == {**page.form(to="/admin/load/").values, "phone": "0", "note": "2"}
    assert "главный" in page.text
    made = loaded(people, page)
    assert counts(made) == (OperationState.DONE, 2, 1, 2)
    with unit_of_work(SYSTEM) as session:
        found = session.scalars(sa.select(PhoneNumber).order_by(PhoneNumber.phone)).all()
    assert [(row.phone, row.note, row.kind, row.state) for row in found] == [
        (74951234567, "главный", NumberKind.SHARED, NumberState.FREE),
        (74951234568, "", NumberKind.SHARED, NumberState.FREE),
    ]


def test_refused_rows_keep_their_cells_and_can_be_loaded_again(people: People) -> None:
    made = loaded(people, send(people, "numbers", NUMBERS))
    page = people.lida.get(f"/admin/jobs/details/?id={made.id}")
    refused = people.lida.get(page.link("Скачать отказы")).body.removeprefix("\ufeff")
    assert refused.splitlines() == [
        "Телефон;Город;Заметка;Причина отказа",
        "не номер;Тверь;кто это;" + refused.splitlines()[1].rsplit(";", 1)[1],
        "8 800 100-20-30;;;" + refused.splitlines()[2].rsplit(";", 1)[1],
    ]
    again = loaded(people, send(people, "numbers", refused.replace("не номер", "74951234569")))
    assert counts(again) == (OperationState.DONE, 1, 0, 1)


def test_a_load_of_numbers_is_undone_but_for_those_in_use_or_wanted_again(people: People) -> None:
    made = loaded(people, send(people, "numbers", "phone\n74951234567\n74951234568\n74951234569\n"))
    people.lida.post("/admin/numbers/new/", kind="shared", phones="74951234568")
    with unit_of_work(SYSTEM) as session:
        busy = session.scalars(sa.select(PhoneNumber).where(PhoneNumber.phone == 74951234569)).one()
        busy.state = NumberState.BUSY
    people.lida.post("/admin/jobs/undo/", id=str(made.id))
    with unit_of_work(SYSTEM) as session:
        undoing = session.scalars(sa.select(Operation).where(Operation.undo_of_id == made.id)).one()
    jobs.run(undoing.id)
    undone = operation(undoing.id)
    assert (undone.state, undone.done, undone.skipped) == (OperationState.DONE, 1, 2)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(PhoneNumber.phone).order_by(PhoneNumber.phone)).all() == [
            74951234568,
            74951234569,
        ]


def test_rows_typed_without_headings_are_told_by_their_columns(people: People) -> None:
    page = people.lida.post("/admin/load/numbers/", way="clipboard", numbers="первый\t74951234567\nвторой\t74951234568")
    made = loaded(people, page, phone="1", note="0")
    assert counts(made) == (OperationState.DONE, 2, 0, 0)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"phone": ""}, "Выберите столбец для этого поля."),
        ({"phone": "0", "note": "0"}, "Один столбец выбран для двух полей."),
        ({"phone": "9" * 5000}, "Выберите столбец для этого поля."),
    ],
)
def test_columns_that_can_not_be_used_are_said_before_anything_is_counted(
    people: People, chosen: dict[str, str], words: str
) -> None:
    page = send(people, "numbers", NUMBERS).form(to="/admin/load/").submit(status=422, **chosen)
    assert words in page.text
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 0


def test_codes_of_a_file_get_the_worth_of_their_batch(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.promo_code(session, code="TAKENCODE1")
        batch = PromoBatch(name="Партнёры", amount=Decimal("300"), uses_per_code=3, codes_count=0)
        batch_id = factories.add(session, batch).id
    text = "Промокод\nspring-2026-aaa\nSPRING2026AAA\nкороткий\nSPRING2026BBB\nTAKENCODE1\n"
    made = loaded(people, send(people, "promo-codes", text, query=f"?batch={batch_id}"))
    assert counts(made) == (OperationState.DONE, 2, 1, 2)
    with unit_of_work(SYSTEM) as session:
        codes = session.scalars(sa.select(PromoCode).where(PromoCode.batch_id == batch_id).order_by(PromoCode.code))
        assert [(row.code, row.uses_limit) for row in codes] == [("SPRING2026AAA", 3), ("SPRING2026BBB", 3)]
        assert session.get_one(PromoBatch, batch_id).codes_count == 2
        session.execute(sa.update(PromoCode).where(PromoCode.code == "SPRING2026BBB").values(used_count=1))
    people.lida.post("/admin/jobs/undo/", id=str(made.id))
    with unit_of_work(SYSTEM) as session:
        undoing = session.scalars(sa.select(Operation.id).where(Operation.undo_of_id == made.id)).one()
    jobs.run(undoing)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(PromoBatch, batch_id).codes_count == 1
        assert session.scalars(sa.select(PromoCode.code).where(PromoCode.batch_id == batch_id)).all() == [
            "SPRING2026BBB"
        ]


def test_customers_of_a_table_come_with_their_owners_and_what_is_wrong_is_named(people: People) -> None:
    text = (
        "Название;ИНН;Почта;Контакт\n"
        "ООО «Ромашка»;7736050003;info@romashka.example;Анна\n"
        "ООО «Ромашка»;7736050003;info@romashka.example;Анна\n"
        "ООО «Плохой ИНН»;7736050004;bad@inn.example;\n"
        ";;no@name.example;\n"
        f"ООО «Чужая почта»;;{people.emails['olga']};\n"
        "ИП Без ИНН;;ip@example.org;Борис\n"
    )
    made = loaded(people, send(people, "clients", text))
    assert counts(made) == (OperationState.DONE, 2, 1, 3)
    with unit_of_work(SYSTEM) as session:
        row = session.scalars(sa.select(Customer).where(Customer.inn == "7736050003")).one()
        owner = session.scalars(sa.select(User).where(User.customer_id == row.id)).one()
    assert (row.name, row.email, owner.name, owner.role) == ("ООО «Ромашка»", "info@romashka.example", "Анна", "owner")
    asked = people.lida.post("/admin/clients/action/", one=f"invite:{row.id}")
    assert "Приглашение отправлено" in asked.text
    again = loaded(people, send(people, "clients", text), name="0")
    assert counts(again) == (OperationState.DONE, 0, 2, 4)
    page = people.lida.get(f"/admin/jobs/details/?id={made.id}")
    assert "Название пустое или длиннее 200 знаков." in page.text
    assert "Этот email уже занят." in page.text


def test_a_load_of_customers_is_undone_but_for_those_with_whom_something_happened(people: People) -> None:
    known = {"a": "7736050003", "b": "7744001497", "c": "7710030411", "d": "7728168971", "e": "7710140679"}
    lines = (f"Клиент {letter};{inn};{letter}@example.org\n" for letter, inn in known.items())
    text = "".join(("Название;ИНН;Почта\n", *lines))
    made = loaded(people, send(people, "clients", text))
    with unit_of_work(SYSTEM) as session:
        rows = session.execute(sa.select(Customer.email, Customer.id).where(Customer.operation_id == made.id))
        ids = {email[0]: row_id for email, row_id in rows}
    people.lida.post("/admin/clients/action/", one=f"invite:{ids['b']}")
    with unit_of_work(SYSTEM) as session:
        customer.edit(session, ids["c"], values={"name": "Клиент C"}, version=1, actor=Actor("Лида", "lead"))
        payment.correct(session, customer_id=ids["d"], amount=Decimal(5), reason="Сверка", actor=Actor("Лида", "lead"))
    loaded(people, send(people, "clients", "Название;ИНН;Почта\nКлиент E;7710140679;other@example.org\n"), name="0")
    asked = people.lida.get(f"/admin/jobs/undo/?id={made.id}")
    assert "Отменить" in asked.text
    people.lida.post("/admin/jobs/undo/", id=str(made.id))
    with unit_of_work(SYSTEM) as session:
        undoing = session.scalars(sa.select(Operation).where(Operation.undo_of_id == made.id)).one()
    jobs.run(undoing.id)
    assert (operation(undoing.id).done, operation(undoing.id).skipped) == (1, 4)
    with unit_of_work(SYSTEM) as session:
        left = session.scalars(sa.select(Customer.id).where(Customer.id.in_(ids.values()))).all()
        owners = session.scalars(sa.select(User.customer_id).where(User.customer_id.in_(ids.values()))).all()
        log = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.object_id == ids["a"])).all()
        assert list(row_total.wrong(session)) == []
    assert set(left) == set(owners) == {ids[letter] for letter in "bcde"}
    assert {"customer.create", "customer.forget"} <= set(log)
    assert "Загруженный клиент убран" in people.lida.get("/admin/audit/").text
    assert counts(loaded(people, send(people, "clients", text), name="0"))[1] == 1


def test_the_database_forgets_no_customer_but_an_untouched_one_of_a_load(people: People) -> None:
    made = loaded(people, send(people, "clients", "Название;Почта\nКлиент;new@example.org\n"))
    with unit_of_work(SYSTEM) as session:
        loaded_id = session.scalars(sa.select(Customer.id).where(Customer.operation_id == made.id)).one()
        by_hand = factories.customer(session).id
    every = sa.select(sa.func.forget_customers(sa.text(f"ARRAY[{by_hand}, {loaded_id}]::bigint[]")))
    refused = pytest.raises(sa.exc.ProgrammingError, match="permission denied")
    with refused, unit_of_work(Scope.tenant(by_hand)) as session:
        session.scalars(every).all()
    with refused, unit_of_work(SYSTEM) as session:
        session.execute(sa.text(f"DELETE FROM customer WHERE id = {loaded_id}"))
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(every).all() == [loaded_id]


def test_each_table_asks_for_its_own_right(people: People) -> None:
    for what in ("numbers", "promo-codes", "clients"):
        people.sasha.get(f"/admin/load/{what}/", status=403)
    people.lida.get("/admin/load/invoices/", status=404)
    people.lida.get("/admin/load/promo-codes/?batch=999999", status=404)


def test_the_file_of_a_colleague_is_not_there(people: People) -> None:
    page = send(people, "numbers", NUMBERS)
    people.admin.get(page.response.request.full_path, status=404)
