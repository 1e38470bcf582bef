"""The API as a program meets it: tokens, scopes, the wall, errors, pages."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import ApiToken, BlacklistEntry, BlacklistSource, Door, IpDenial, NumberKind, NumberState
from callcab.scope import Actor, Scope
from callcab.services import api_token, ip_rule
from tests import factories
from tests.people import People

SYSTEM = Scope.system("sign-in")
PATHS = ("account", "blacklist", "callbacks", "inbound-calls", "payments", "numbers")


def token(people: People, customer_id: int | None = None, scopes: Any = api_token.SCOPES) -> str:
    customer_id = customer_id or people.customer_id
    with unit_of_work(Scope.tenant(customer_id)) as session:
        _row, text = api_token.create(
            session, customer_id=customer_id, name="CRM", scopes=scopes, expires_at=None, actor=Actor("О", "owner")
        )
        return text


def call(people: People, path: str, key: str = "", method: str = "GET", **options: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers.update(options.pop("headers", {}))
    return people.app.test_client().open(f"/api/v1/{path}", method=method, headers=headers, **options)


def blacklist(customer_id: int | None, *phones: int) -> None:
    with unit_of_work(SYSTEM) as session:
        for phone in phones:
            session.add(BlacklistEntry(customer_id=customer_id, phone=phone, source=BlacklistSource.HAND))
            session.flush()


@pytest.mark.parametrize("path", PATHS)
def test_ac_03_without_a_token_every_door_is_shut(people: People, path: str) -> None:
    response = call(people, path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.mimetype == "application/problem+json"


def test_ac_26_a_cookie_alone_opens_nothing(people: People) -> None:
    olga = people.olga
    assert olga.client.get("/api/v1/account").status_code == 401
    assert olga.client.post("/api/v1/check", json={"phone": "+79253944577"}).status_code == 401


@pytest.mark.parametrize("key", ["nonsense", "ccab_nonsense", "ccab_\u0430", "ccab_" + "x" * 5000])
def test_a_wrong_token_is_refused(people: People, key: str) -> None:
    response = call(people, "account", headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")})
    assert response.status_code == 401


def test_ac_09_a_token_in_the_address_is_refused_even_beside_a_right_one(people: People) -> None:
    key = token(people)
    assert call(people, f"account?access_token={key}").status_code == 400
    assert call(people, f"account?token={key}", key).status_code == 400


@pytest.mark.parametrize("path", PATHS)
def test_ac_09_a_token_opens_only_its_scopes(people: People, path: str) -> None:
    response = call(people, path, token(people, scopes=("check:write",)))
    assert response.status_code == 403
    assert response.get_json()["code"] == "token.scope"


def test_the_use_of_a_token_is_noted(people: People) -> None:
    call(people, "account", token(people))
    with unit_of_work(SYSTEM) as session:
        used = session.scalar(sa.select(ApiToken.last_used_at))
    assert used is not None and clock.now() - used < timedelta(minutes=1)


def test_the_account_tells_the_balance_exactly(people: People) -> None:
    body = call(people, "account", token(people)).get_json()
    assert (body["name"], body["balance"], body["reserved"]) == ("ООО «Ромашка»", "1000.00", "0.00")


def test_ac_01_lists_hold_only_the_callers_own_rows(people: People) -> None:
    blacklist(people.customer_id, 79250000001)
    blacklist(people.other_id, 79250000002)
    blacklist(None, 79250000003)
    with unit_of_work(SYSTEM) as session:
        factories.number(session, phone=79250000004)
        for phone, owner in ((79250000005, people.customer_id), (79250000006, people.other_id)):
            factories.number(
                session, phone=phone, customer_id=owner, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED
            )
    key = token(people)
    assert [row["phone"] for row in call(people, "blacklist", key).get_json()["items"]] == ["+79250000001"]
    assert [row["phone"] for row in call(people, "numbers", key).get_json()["items"]] == ["+79250000005"]


def test_a_walk_by_cursor_sees_every_row_once(people: People) -> None:
    blacklist(people.customer_id, *range(79250000001, 79250000008))
    key, seen, cursor = token(people), [], ""
    while True:
        page = call(people, f"blacklist?limit=3&cursor={cursor}", key).get_json()
        seen += [row["phone"] for row in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == [f"+7925000000{number}" for number in range(7, 0, -1)]


def test_a_cursor_of_another_list_or_a_forged_one_is_refused(people: People) -> None:
    blacklist(people.customer_id, 79250000001, 79250000002)
    key = token(people)
    cursor = call(people, "blacklist?limit=1", key).get_json()["next_cursor"]
    for path in (f"payments?cursor={cursor}", "blacklist?cursor=forged"):
        response = call(people, path, key)
        assert (response.status_code, response.get_json()["code"]) == (422, "cursor.bad")


def test_a_number_is_added_once_and_deleted_once(people: People) -> None:
    key = token(people)
    body = {"phone": "8 (925) 394-45-77", "reason": "просил не звонить"}
    first = call(people, "blacklist", key, "POST", json=body).get_json()
    again = call(people, "blacklist", key, "POST", json=body).get_json()
    assert (first, again["added"]) == ({"phone": "+79253944577", "added": True}, False)
    (row,) = call(people, "blacklist", key).get_json()["items"]
    assert (row["source"], row["reason"]) == ("api", "просил не звонить")
    assert call(people, "blacklist/+79253944577", key, "DELETE").status_code == 204
    assert call(people, "blacklist/+79253944577", key, "DELETE").status_code == 404


def test_ac_02_a_number_on_somebody_elses_list_can_not_be_deleted(people: People) -> None:
    blacklist(people.other_id, 79250000002)
    blacklist(None, 79250000003)
    key = token(people)
    for phone in ("79250000002", "79250000003"):
        assert call(people, f"blacklist/{phone}", key, "DELETE").status_code == 404
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(BlacklistEntry)) == 2


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_reading_token_writes_nothing(people: People, method: str) -> None:
    key = token(people, scopes=("blacklist:read",))
    path = "blacklist" if method == "POST" else "blacklist/79253944577"
    assert call(people, path, key, method, json={"phone": "79253944577"}).status_code == 403


def test_what_is_no_number_is_refused_with_its_reason(people: People) -> None:
    response = call(people, "blacklist", token(people), "POST", json={"phone": "12"})
    assert response.status_code == 422 and response.get_json()["code"].startswith("phone.")


def test_a_check_says_why_a_number_would_not_be_called(people: People) -> None:
    blacklist(people.customer_id, 79253944577)
    body = call(people, "check", token(people), "POST", json={"phone": "8 (925) 394-45-77"}).get_json()
    assert body["allowed"] is False and body["verdict"] == "never"
    found = next(item for item in body["trace"] if item["verdict"] != "ok")
    assert (found["rule"], found["code"], body["code"]) == ("own_list", "blacklist.own", "blacklist.own")
    assert found["evidence"]["listed"] is True
    assert found["evidence"]["source"] == "hand"


def test_a_check_does_not_tell_why_or_who_of_support_forbade_a_number(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        source, said = BlacklistSource.HAND, "жалоба на ООО «Лютик»"
        session.add(BlacklistEntry(phone=79253944577, source=source, reason=said, author_name="Лида"))
    body = call(people, "check", token(people), "POST", json={"phone": "8 (925) 394-45-77"}).get_json()
    assert body["code"] == "blacklist.platform"
    assert "Лютик" not in str(body)
    assert "Лида" not in str(body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"phone": 5}', b'{"phone": ""}', b'{"phone": "1", "x": 2}', b"\xff"]
)
def test_ac_44_odd_bodies_are_answered_with_what_is_wrong(people: People, body: bytes) -> None:
    response = call(people, "check", token(people), "POST", data=body, content_type="application/json")
    assert response.status_code in (400, 422)
    assert response.mimetype == "application/problem+json"


def test_a_number_that_is_none_is_an_answer_and_no_error(people: People) -> None:
    response = call(people, "check", token(people), "POST", json={"phone": "\x00abc"})
    assert response.status_code == 200 and response.get_json()["allowed"] is False


def test_ac_19_the_allow_list_holds_for_programs_too(people: People) -> None:
    key = token(people)
    with unit_of_work(SYSTEM) as session:
        ip_rule.add(
            session, customer_id=people.customer_id, text="203.0.113.7", current_address=None, actor=Actor.system()
        )
    response = call(people, "account", key)
    assert (response.status_code, response.get_json()["code"]) == (403, "ip.refused")
    inside = call(people, "account", key, environ_overrides={"REMOTE_ADDR": "203.0.113.7"})
    assert inside.status_code == 200
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(IpDenial.door)).all() == [Door.API]


def test_ac_40_guessing_tokens_is_stopped(people: People) -> None:
    client = people.app.test_client()
    answers = [client.get("/api/v1/account", headers={"Authorization": "Bearer ccab_no"}) for _ in range(62)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429 and int(answers[-1].headers["Retry-After"]) >= 1


def test_an_unknown_address_is_answered_with_a_code(people: People) -> None:
    response = call(people, "nowhere", token(people))
    assert response.get_json()["code"] == "http.404"


def test_the_description_names_every_endpoint_and_loads_nothing_foreign(people: People) -> None:
    client = people.app.test_client()
    paths = client.get("/api/openapi.json").get_json()["paths"]
    page = client.get("/api/docs").get_data(as_text=True)
    assert set(paths) >= {f"/api/v1/{name}" for name in (*PATHS, "check")}
    assert all(path in page for path in paths)
    assert 'src="http' not in page and 'href="http' not in page


def test_money_is_written_as_text(people: People) -> None:
    balance = call(people, "account", token(people)).get_json()["balance"]
    assert isinstance(balance, str) and Decimal(balance) == Decimal("1000")
