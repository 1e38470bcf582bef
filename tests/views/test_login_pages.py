"""The way in and out, as a person without scripts sees it. AC numbers name the abuse case."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask import session as cookie_session

from callcab.db import unit_of_work
from callcab.lib import clock, totp
from callcab.models import LoginEvent, MailMessage, SessionRecord, User
from callcab.scope import Actor, Scope
from callcab.services import ip_rule, second_factor
from callcab.web import auth
from callcab.web.auth import local_path
from tests.client import Browser
from tests.people import PASSWORD, People

SYSTEM = Scope.system("sign-in")
NEW = "Zq8dkf-jgh123"


def letters(kind: str) -> list[MailMessage]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(MailMessage).where(MailMessage.kind == kind).order_by(MailMessage.id)))


def test_a_stranger_is_led_to_the_log_in_and_back(people: People) -> None:
    browser = Browser(people.app)
    page = browser.get("/cabinet/ip/?search=10")
    assert page.title == "Вход"
    page = page.form(has="password").submit(email=people.emails["olga"], password=PASSWORD)
    assert page.url == "/cabinet/ip/"


@pytest.mark.parametrize("email", ["olga@romashka.example", "nobody@romashka.example"])
def test_ac_21_a_wrong_password_and_an_unknown_email_read_alike(people: People, email: str) -> None:
    page = Browser(people.app).sign_in(email, "wrong wrong wrong", status=401)
    assert "Неверный email или пароль." in page.alerts


def test_what_was_typed_stays_except_the_password(people: People) -> None:
    page = Browser(people.app).sign_in("olga@romashka.example", "wrong wrong wrong", status=401)
    values = page.form(has="password").values
    assert values["email"] == "olga@romashka.example" and not values["password"]


def test_ac_40_the_eleventh_try_answers_429_and_when_to_come_back(people: People) -> None:
    browser = Browser(people.app)
    for _ in range(10):
        browser.sign_in("olga@romashka.example", "wrong wrong wrong", status=401)
    page = browser.sign_in("olga@romashka.example", PASSWORD, status=429)
    assert 0 < int(page.response.headers["Retry-After"]) <= 30


def test_ac_22_a_kept_cookie_is_dead_after_log_out(people: People) -> None:
    olga = people.olga
    cookie = olga.client.get_cookie("session")
    assert cookie is not None
    olga.post("/logout")
    olga.client.set_cookie("session", cookie.value)
    assert olga.get("/cabinet/profile/").title == "Вход"


def test_ac_23_the_identifier_changes_at_log_in(people: People) -> None:
    browser = Browser(people.app)
    browser.get("/login")
    before = browser.client.get_cookie("session")
    browser.sign_in(people.emails["olga"], PASSWORD)
    after = browser.client.get_cookie("session")
    assert before is not None and after is not None and before.value != after.value


def test_ac_24_the_cookie_is_shut_to_scripts_and_foreign_pages(people: People) -> None:
    response = Browser(people.app).client.get("/login")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_ac_25_a_forged_session_opens_nothing(people: People) -> None:
    browser = Browser(people.app)
    browser.client.set_cookie("session", "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.forged")
    assert browser.get("/cabinet/").title == "Вход"


def test_a_cookie_that_is_known_makes_no_other_known(people: People) -> None:
    assert people.olga.get("/cabinet/profile/").title != "Вход"
    cookie = people.olga.client.get_cookie("session")
    assert cookie is not None
    payload, stamp, signature = cookie.value.split(".")
    turned = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    for value in (f"{payload}.{stamp}.{turned}", f"{payload}.{turned}", payload):
        browser = Browser(people.app)
        browser.client.set_cookie("session", value)
        assert browser.get("/cabinet/profile/").title == "Вход"


def test_what_a_request_does_to_its_session_is_in_its_own_cookie_alone(people: People) -> None:
    value = people.olga.client.get_cookie("session").value
    found = []
    for _ in range(3):
        with people.app.test_request_context(headers={"Cookie": f"session={value}"}):
            found.append(dict(cookie_session))
            cookie_session["more"] = "x"
    assert found[0] == found[1] == found[2] and "more" not in found[0] and found[0]


def test_no_more_cookies_are_known_than_a_process_may_remember(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "COOKIES", 3)
    for _ in range(8):
        browser = Browser(people.app)
        browser.get("/login")
        assert browser.get("/login").title == "Вход"
        assert len(people.app.extensions["callcab.cookies"]) <= 3


def test_a_page_says_that_it_depends_on_the_cookie(people: People) -> None:
    answer = people.olga.client.get("/cabinet/profile/", headers={"Accept-Encoding": "gzip", "User-Agent": "tests"})
    assert {"Cookie", "Accept-Encoding"} <= set(", ".join(answer.headers.getlist("Vary")).split(", "))


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_ac_28_log_in_leads_to_own_pages_only(people: People, target: str) -> None:
    browser = Browser(people.app)
    page = browser.get("/login", query={"next": target})
    form = page.form(has="password")
    page = form.submit(email=people.emails["olga"], password=PASSWORD, next=target, follow=False)
    assert page.response.headers["Location"] == "/"


def test_a_local_path_keeps_its_query() -> None:
    assert local_path("/cabinet/ip/?search=10") == "/cabinet/ip/?search=10"


def test_ac_16_a_right_password_from_a_stranger_address_gets_403_and_one_letter(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        ip_rule.add(
            session, customer_id=people.customer_id, text="203.0.113.7", current_address=None, actor=Actor.system()
        )
    away = Browser(people.app, address="198.51.100.9")
    for _ in range(2):
        page = away.sign_in(people.emails["olga"], PASSWORD, status=403)
        assert page.title == "Доступ запрещен"
        assert "203.0.113.7" not in page.body
    assert away.get("/cabinet/").title == "Вход"
    (letter,) = letters("stranger_address")
    assert letter.recipient == people.emails["olga"]
    assert "198.51.100.9" in letter.text and PASSWORD not in letter.text


def test_an_expired_session_sends_a_swap_to_the_log_in(people: People) -> None:
    response = Browser(people.app).client.get("/cabinet/profile/", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/login")


@pytest.mark.parametrize("url", ["/cabinet/profile/person/", "/cabinet/ip/action/"])
def test_a_form_sent_after_the_session_ended_leads_to_the_log_in(people: People, url: str) -> None:
    olga = people.olga
    token = olga.token()
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(SessionRecord).values(revoked_at=clock.now()))
    assert olga.send(url, {"csrf_token": token}).title == "Вход"


def test_a_forgotten_password_is_set_by_the_link_of_a_letter(people: People) -> None:
    olga, browser = people.olga, Browser(people.app)
    page = browser.get("/password/forgot").form(has="email").submit(email=people.emails["olga"])
    assert "отправили на него письмо" in page.text
    (letter,) = letters("password_reset")
    assert letter.secret
    link = re.search(r"http://localhost(/password/reset/\S+)", letter.text)
    assert link is not None
    page = browser.get(link[1]).form(has="repeat").submit(password=NEW, repeat=NEW)
    assert page.title == "Пароль сохранён"
    assert olga.get("/cabinet/profile/").title == "Вход", "older sessions end"
    assert browser.get(link[1], status=404).title == "Ссылка не действует"
    browser.sign_in(people.emails["olga"], NEW)


def test_ac_21_the_answer_for_an_unknown_email_is_the_same_and_nothing_is_sent(people: People) -> None:
    page = Browser(people.app).get("/password/forgot").form(has="email").submit(email="nobody@romashka.example")
    assert "отправили на него письмо" in page.text
    assert not letters("password_reset")


def test_ac_31_a_foreign_host_header_is_refused_and_never_gets_into_a_letter(people: People) -> None:
    response = people.app.test_client().post("/password/forgot", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert not letters("password_reset")


def test_a_weak_new_password_says_why(people: People) -> None:
    page = people.olga.get("/cabinet/profile/").form(has="old").submit(old=PASSWORD, password="short", repeat="short")
    assert page.status == 422 and "слишком короткий" in page.text


def test_changing_the_password_keeps_this_session_and_ends_the_others(people: People) -> None:
    here, there = people.olga, people.olga
    page = here.get("/cabinet/profile/").form(has="old").submit(old=PASSWORD, password=NEW, repeat=NEW)
    assert "Пароль изменён" in page.text
    assert there.get("/cabinet/profile/").title == "Вход"
    assert len(letters("password_changed")) == 1


def test_ac_40_guessing_the_old_password_in_an_open_browser_is_stopped(people: People) -> None:
    olga = people.olga
    token = olga.token()
    values = {"old": "guess", "password": NEW, "repeat": NEW, "csrf_token": token}
    answers = [olga.send("/cabinet/profile/password/", values).status for _ in range(21)]
    assert answers == [422] * 20 + [429]


def test_another_session_can_be_ended_from_the_profile(people: People) -> None:
    here, there = people.olga, people.olga
    here.get("/cabinet/profile/").form(action="/cabinet/profile/session/end/").submit()
    assert there.get("/cabinet/profile/").title == "Вход"


def test_a_session_of_somebody_else_can_not_be_ended(people: People) -> None:
    kolya, olga = people.kolya, people.olga
    with unit_of_work(SYSTEM) as session:
        foreign = session.scalar(
            sa.select(SessionRecord.id).join(User, User.id == SessionRecord.user_id).where(User.role == "operator")
        )
    olga.post("/cabinet/profile/session/end/", id=str(foreign))
    assert kolya.get("/cabinet/profile/").title == "Профиль и безопасность"


def test_language_and_colours_are_kept(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/profile/").form(has="language").submit(name="Ольга", language="en", theme="dark")
    assert "Saved." in page.text
    tree = olga.get("/cabinet/profile/").tree
    assert (tree.get("lang"), tree.get("data-bs-theme")) == ("en", "dark")


def test_a_second_factor_is_set_up_and_asked_for(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/profile/").form(action="/cabinet/profile/totp/start/").submit()
    secret = "".join(page.tree.xpath("string(//code)").split())
    page.form(has="code").submit(code=totp.code_at(secret, totp.step_of(clock.now())))
    browser = Browser(people.app)
    page = browser.sign_in(people.emails["olga"], PASSWORD)
    assert page.title == "Второй шаг входа"
    assert browser.get("/cabinet/profile/").title == "Вход", "nobody is in yet"
    page = browser.get("/login/code").form(has="code").submit(code="000000", status=401)
    assert "Код не подошёл" in page.text
    code = totp.code_at(secret, totp.step_of(clock.now()) + 1)
    page = page.form(has="code").submit(code=code)
    assert browser.get("/cabinet/profile/").title == "Профиль и безопасность"


def test_support_without_a_required_second_factor_sees_only_its_profile(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(people.app.config, "SETTINGS", replace(people.app.config["SETTINGS"], staff_totp="required"))
    sasha = people.sasha
    assert sasha.get("/admin/ip-allow/").url == "/admin/profile/"
    assert people.olga.get("/cabinet/ip/").url == "/cabinet/ip/"


def test_an_administrator_resets_a_lost_second_factor(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        sasha = session.scalar(sa.select(User.id).where(User.email == people.emails["sasha"]))
        assert sasha is not None
        secret = second_factor.offer(session, user_id=sasha)
        code = totp.code_at(secret, totp.step_of(clock.now()))
        second_factor.enrol(session, user_id=sasha, code=code, keep_session=None, actor=Actor.system())
    admin = people.admin
    page = admin.post("/admin/staff/action/", one=f"factor:{sasha}", confirmed="1")
    assert "сброшен" in page.text
    assert people.sasha.get("/admin/profile/").title == "Профиль и безопасность"


def test_an_invited_colleague_chooses_a_password_and_comes_in(people: People) -> None:
    olga = people.olga
    form = olga.get("/cabinet/users/new/").form(has="email")
    form.submit(email="new@romashka.example", name="Новая Коллега", role="viewer")
    (letter,) = letters("invite")
    link = re.search(r"http://localhost(/invite/\S+)", letter.text)
    assert link is not None
    browser = Browser(people.app)
    browser.get(link[1]).form(has="repeat").submit(password=NEW, repeat=NEW)
    browser.sign_in("new@romashka.example", NEW)
    assert browser.get("/cabinet/profile/").title == "Профиль и безопасность"
    assert browser.get("/cabinet/users/", status=403)


@pytest.mark.parametrize("who", ["kolya", "vera"])
@pytest.mark.parametrize("url", ["/cabinet/users/", "/cabinet/api/", "/cabinet/ip/", "/cabinet/users/new/"])
def test_ac_08_what_only_the_owner_may_is_refused_to_others(people: People, who: str, url: str) -> None:
    people.browser(who).get(url, status=403)


def test_a_disabled_colleague_is_out_at_once(people: People) -> None:
    kolya, olga = people.kolya, people.olga
    with unit_of_work(SYSTEM) as session:
        kolya_id = session.scalar(sa.select(User.id).where(User.email == people.emails["kolya"]))
    olga.post("/cabinet/users/action/", one=f"disable:{kolya_id}", confirmed="1")
    assert kolya.get("/cabinet/profile/").title == "Вход"


def test_a_person_of_another_customer_can_not_be_disabled(people: People) -> None:
    stranger, olga = people.stranger, people.olga
    with unit_of_work(SYSTEM) as session:
        foreign = session.scalar(sa.select(User.id).where(User.email == people.emails["stranger"]))
    olga.post("/cabinet/users/action/", one=f"disable:{foreign}", confirmed="1")
    assert stranger.get("/cabinet/profile/").title == "Профиль и безопасность"


def test_ac_40_passwords_never_reach_the_journal(people: People) -> None:
    Browser(people.app).sign_in("My Secret Password", "wrong wrong wrong", status=401)
    with unit_of_work(SYSTEM) as session:
        rows = [str(vars(row)) for row in session.scalars(sa.select(LoginEvent))]
    assert rows and not any("Secret" in row or "wrong wrong" in row for row in rows)


def test_private_pages_stay_out_of_caches(app: Flask, people: People) -> None:
    response = people.olga.get("/cabinet/profile/").response
    assert response.headers["Cache-Control"] == "no-store"


def test_the_profile_names_browsers_in_two_words(people: People) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
    page = people.browser("olga", agent=agent).get("/cabinet/profile/")
    assert "Chrome, Linux" in page.text
    assert "AppleWebKit" not in page.text
