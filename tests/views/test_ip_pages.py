"""The allow list on its pages, and the wall in front of all others."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Customer, Door, IpDenial
from callcab.scope import Actor, Scope
from callcab.services import ip_rule
from tests.client import Browser
from tests.people import PASSWORD, People

SYSTEM = Scope.system("sign-in")
OUTSIDE = "198.51.100.9"


def allow(customer_id: int | None, text: str) -> None:
    with unit_of_work(SYSTEM) as session:
        ip_rule.add(session, customer_id=customer_id, text=text, current_address=None, actor=Actor.system())


def denials() -> list[IpDenial]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(IpDenial).order_by(IpDenial.id)))


def test_the_current_address_is_added_in_one_click(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/ip/")
    assert "Ваш текущий IP: 127.0.0.1" in page.text
    forms = [form for form in page.tree.forms if form.fields.get("network") == "127.0.0.1"]
    assert len(forms) == 1
    page = olga.post("/cabinet/ip/add/", network="127.0.0.1")
    assert [row[3] for row in page.rows()] == ["127.0.0.1"]
    assert "Добавить текущий адрес" not in page.text


def test_an_entry_that_locks_out_is_asked_about_first(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/ip/").form(has="note").submit(network="203.0.113.7", note="офис", status=409)
    assert page.title == "Вы потеряете доступ"
    assert "Всего найдено: 0" in olga.get("/cabinet/ip/").text
    page = page.form(has="confirmed").submit(status=403)
    assert page.title == "Доступ запрещен"


def test_a_wrong_address_says_what_to_change_and_keeps_what_was_typed(people: People) -> None:
    page = people.olga.get("/cabinet/ip/").form(has="note").submit(network="010.0.0.1", status=422)
    assert "Уберите нули в начале чисел" in page.text
    assert page.form(has="note").values["network"] == "010.0.0.1"


def test_deleting_ones_own_address_needs_the_tick(people: People) -> None:
    olga = people.olga
    olga.post("/cabinet/ip/add/", network="127.0.0.1")
    olga.post("/cabinet/ip/add/", network="203.0.113.7")
    with unit_of_work(SYSTEM) as session:
        mine = session.scalar(sa.select(ip_rule.IpRule.id).order_by(ip_rule.IpRule.id))
    page = olga.post("/cabinet/ip/action/", one=f"delete:{mine}", confirmed="1")
    assert "потеряете доступ" in page.text and len(page.rows()) == 2
    page = olga.post("/cabinet/ip/action/", one=f"delete:{mine}", confirmed="1", confirmed_loss="y", status=403)
    assert page.title == "Доступ запрещен"


@pytest.mark.parametrize(
    "url", ["/", "/cabinet/", "/cabinet/ip/", "/cabinet/profile/", "/cabinet/ip/facets/", "/nowhere"]
)
def test_ac_17_a_session_older_than_the_list_is_refused_at_its_next_request(people: People, url: str) -> None:
    olga = people.olga
    allow(people.customer_id, "203.0.113.7")
    response = olga.client.get(url, environ_overrides=olga.environ)
    assert response.status_code == 403
    assert "203.0.113.7" not in response.get_data(as_text=True)


def test_refusals_are_one_row_a_minute_and_shown_to_the_owner(people: People) -> None:
    olga = people.olga
    allow(people.customer_id, "203.0.113.0/24")
    for _ in range(3):
        olga.get("/cabinet/", status=403)
    assert [(str(row.address), row.door) for row in denials()] == [("127.0.0.1", Door.CABINET)]
    inside = people.browser("olga", address="203.0.113.9")
    assert "127.0.0.1" in inside.get("/cabinet/ip-denied/").text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"]
)
def test_ac_15_a_forged_header_opens_nothing(people: People, header: str) -> None:
    olga = people.olga
    allow(people.customer_id, "203.0.113.7")
    value = "for=203.0.113.7" if header == "Forwarded" else "203.0.113.7"
    assert olga.client.get("/cabinet/", headers={header: value}).status_code == 403


def test_leaving_is_allowed_from_everywhere(people: People) -> None:
    olga = people.olga
    token = olga.token()
    allow(people.customer_id, "203.0.113.7")
    page = olga.send("/logout", {"csrf_token": token})
    assert page.title == "Вход"


def test_support_opens_the_door_for_an_hour(people: People) -> None:
    olga = people.olga
    allow(people.customer_id, "203.0.113.7")
    olga.get("/cabinet/ip/", status=403)
    (denial,) = denials()
    page = people.sasha.post("/admin/ip-denied/action/", one=f"open:{denial.id}", confirmed="1", reason="звонок")
    assert "Дверь открыта" in page.text
    olga.get("/cabinet/ip/")
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(Customer.ip_open_until).where(Customer.id == people.customer_id))


def test_the_list_of_support_guards_support_and_not_customers(people: People) -> None:
    sasha, olga = people.sasha, people.olga
    allow(None, "203.0.113.7")
    sasha.get("/admin/ip-allow/", status=403)
    olga.get("/cabinet/ip/")


def test_an_agent_may_read_lists_but_not_change_them(people: People) -> None:
    allow(people.customer_id, "203.0.113.7")
    sasha = people.sasha
    assert "203.0.113.7" in sasha.get("/admin/ip-allow/").text
    sasha.post("/admin/ip-allow/add/", network="127.0.0.1", status=403)


def test_ac_01_entries_and_refusals_of_another_customer_are_never_shown(people: People) -> None:
    allow(people.customer_id, "203.0.113.7")
    Browser(people.app, address=OUTSIDE).sign_in(people.emails["olga"], PASSWORD, status=403)
    stranger = people.stranger
    assert "203.0.113.7" not in stranger.get("/cabinet/ip/").body
    assert OUTSIDE not in stranger.get("/cabinet/ip-denied/").body


def test_ac_27_nothing_changes_by_get(people: People) -> None:
    olga = people.olga
    for url in ("/cabinet/ip/add/?network=127.0.0.1", "/cabinet/ip/action/?one=delete:1", "/logout"):
        olga.get(url, status=405)


def test_ac_26_a_post_without_the_token_of_the_page_changes_nothing(people: People) -> None:
    olga = people.olga
    olga.send("/cabinet/ip/add/", {"network": "127.0.0.1"}, status=400)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ip_rule.IpRule)) == 0


def test_delete_stands_to_the_left_of_the_address(people: People) -> None:
    """The product's words: the button stands in «Управление», left of the address."""
    olga = people.olga
    add_own = olga.get("/cabinet/ip/").form(to="/cabinet/ip/add/")
    add_own.submit(network="127.0.0.1")
    page = olga.get("/cabinet/ip/")
    headings = [" ".join(node.text_content().split()) for node in page.tree.xpath("//table[1]/thead/tr/th")]
    assert headings.index("Управление") < headings.index("Дата создания") < headings.index("IP-адрес")
    row = page.rows()[0]
    assert next(i for i, cell in enumerate(row) if "Удалить" in cell) < row.index("127.0.0.1")


def test_the_wall_gives_a_stranger_no_advice(people: People) -> None:
    """AC-16: a right password from an unlisted address learns nothing but «Доступ запрещен»."""
    people.olga.post("/cabinet/ip/add/", network="127.0.0.1")
    page = Browser(people.app, address="203.0.113.50").sign_in(people.emails["olga"], PASSWORD, status=403)
    assert page.title == "Доступ запрещен"
    assert "роли" not in page.text
