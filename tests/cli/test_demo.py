"""The demo data: what it promises is there, and it holds the rules of the house."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from callcab import db as database
from callcab import queue
from callcab.cli import demo
from callcab.cli.demo.companies import payers
from callcab.cli.demo_logins import DEMO_LOGINS, DEMO_PASSWORD_FILE
from callcab.config import Settings
from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib import inn as inns
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallbackRequest,
    Campaign,
    CampaignState,
    Customer,
    CustomerStatus,
    InboundCall,
    Invoice,
    InvoiceState,
    IpDenial,
    IpRule,
    LedgerEntry,
    LoginOutcome,
    Operation,
    OperationState,
    Outcome,
    Payment,
    PaymentMethod,
    PhoneNumber,
    PromoActivation,
    PromoBatch,
    Verification,
)
from callcab.providers.company import DEMO_FILE, FileDirectory
from callcab.scope import Scope
from callcab.services import ledger, login, stored_file
from callcab.web.listing import ListView, column_menu
from tests.client import Browser

PAGES = 5
MORNING = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(settings: Settings, owner_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One demo for all tests that only look at it; the tables are empty again afterwards."""
    mine = replace(settings, data_dir=tmp_path_factory.mktemp("demo"))
    engine = database.connect(str(settings.database_url))
    with clock.frozen(MORNING):
        assert demo.fill(mine) == 8
        yield mine
    tables = ", ".join(f'"{table.name}"' for table in database.Base.metadata.sorted_tables)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    engine.dispose()
    stored_file.use(None)
    queue.set_sender(None)


@pytest.fixture
def session(filled: Settings) -> Iterator[CabSession]:
    with unit_of_work(Scope.system("test")) as found:
        yield found


def count(session: CabSession, model: Any, *conditions: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0


def values(session: CabSession, column: Any) -> set[Any]:
    return set(session.scalars(sa.select(column).distinct()))


@pytest.mark.slow
def test_the_demo_has_what_it_promises_and_its_money_adds_up(session: CabSession) -> None:
    assert ledger.discrepancies(session) == []
    assert count(session, Customer) >= 6
    assert count(session, PhoneNumber, PhoneNumber.kind != "personal") >= 1_945
    assert count(session, Payment) >= 3_000
    assert values(session, Payment.method) == set(PaymentMethod)
    assert count(session, BlacklistEntry) >= 4_000
    assert values(session, BlacklistEntry.source) == set(BlacklistSource)
    assert values(session, Invoice.state) == set(InvoiceState)
    assert count(session, Call) >= 4_000
    assert values(session, Campaign.state) >= {CampaignState.FINISHED, CampaignState.PAUSED, CampaignState.DRAFT}
    assert values(session, Operation.state) == {OperationState.DONE}
    assert count(session, PromoActivation) >= 10
    assert count(session, PromoBatch) >= 5


@pytest.mark.slow
def test_calls_and_verifications_of_the_demo_ended_in_every_way(session: CabSession) -> None:
    of_verifications = {Outcome.VERIFIED, Outcome.WRONG_DIGIT, Outcome.NO_INPUT}
    assert values(session, Call.outcome) == set(Outcome) - of_verifications
    ended = values(session, Verification.outcome) - {None}
    assert ended >= {"verified", "wrong_digit", "no_input", "no_answer", "expired", "by_hand", "cancelled", "taken"}


@pytest.mark.slow
def test_people_called_the_numbers_of_the_demo_and_each_page_of_incoming_calls_has_some(session: CabSession) -> None:
    rules = {"inbound.last_campaign", "inbound.owner", "inbound.duty", "inbound.not_called"}
    assert values(session, InboundCall.code) == rules
    assert values(session, InboundCall.outcome) >= {Outcome.COMPLETED, Outcome.BUSY, Outcome.NO_ANSWER}
    assert count(session, InboundCall, InboundCall.ended_at.is_(None)) == 0
    logins = ("owner@demo.callcab", "other@demo.callcab")
    for email in logins:
        theirs = sa.select(Customer.id).where(Customer.email == email)
        assert count(session, InboundCall, InboundCall.customer_id.in_(theirs)) >= 5, email
    # Nine pressed by who called back is on the list, two is a request.
    assert count(session, BlacklistEntry, BlacklistEntry.inbound_call_id.is_not(None)) == 2
    assert count(session, CallbackRequest, CallbackRequest.inbound_call_id.is_not(None)) == 2


@pytest.mark.slow
def test_each_entry_of_the_demo_says_the_balance_after_it_in_the_order_of_time(session: CabSession) -> None:
    order = {"partition_by": LedgerEntry.customer_id, "order_by": LedgerEntry.id}
    rows = sa.select(
        LedgerEntry.balance_after,
        sa.func.sum(LedgerEntry.amount).over(**order).label("total"),
        LedgerEntry.created_at,
        sa.func.lag(LedgerEntry.created_at).over(**order).label("before"),
    ).subquery()
    wrong = sa.or_(rows.c.balance_after != rows.c.total, rows.c.created_at < rows.c.before)
    assert session.scalar(sa.select(sa.func.count()).select_from(rows).where(wrong)) == 0


@pytest.mark.slow
def test_nothing_of_the_demo_lies_in_the_future(session: CabSession) -> None:
    for model in (Payment, Call, InboundCall, Invoice, BlacklistEntry, LedgerEntry, Verification):
        assert count(session, model, model.created_at > clock.now()) == 0, model


@pytest.mark.slow
def test_every_demo_login_opens_with_the_one_password_that_only_its_owner_can_read(filled: Settings) -> None:
    path = filled.data_dir / DEMO_PASSWORD_FILE
    secret = path.read_text(encoding="utf-8").strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for person in DEMO_LOGINS:
        with unit_of_work(Scope.system("test")) as session:
            here = login.Visitor("192.0.2.77", "test")
            result = login.sign_in(session, email=person.email, secret=secret, visitor=here, hours=1)
            assert result.outcome is LoginOutcome.SUCCESS, person


def looked_through(browser: Browser, view: ListView) -> int:
    """Pages of a list, some of them, by «Вперёд»; each must open."""
    page, seen = browser.get(f"{view.url}/?size=200"), 1
    while seen < PAGES and (onward := page.tree.xpath("//a[@rel='next']/@href")):
        page, seen = browser.get(f"{view.url}/{onward[0]}"), seen + 1
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(("face", "name"), [("cabinet", "owner"), ("admin", "admin")])
def test_every_list_of_the_demo_shows_its_rows_with_all_columns(
    filled: Settings, built_app: Flask, monkeypatch: pytest.MonkeyPatch, face: str, name: str
) -> None:
    """The demo has rows in every state, so what a cell asks of a row but the list does not read shows here."""
    monkeypatch.setattr(column_menu, "shown", lambda view: view.columns)
    browser = Browser(built_app)
    browser.sign_in(f"{name}@demo.callcab", (filled.data_dir / DEMO_PASSWORD_FILE).read_text(encoding="utf-8").strip())
    admin = next(each for each in built_app.extensions["admin"] if each.url == f"/{face}")
    views = [view for view in admin._views if isinstance(view, ListView)]
    assert len(views) > 10
    assert max(looked_through(browser, view) for view in views) == PAGES


@pytest.mark.slow
def test_allow_lists_and_blocks_do_not_stand_in_the_way_of_demo_logins(session: CabSession) -> None:
    emails = [person.email for person in DEMO_LOGINS]
    open_to_all = sa.select(Customer.id).where(Customer.email.in_(emails))
    assert count(session, IpRule, IpRule.customer_id.in_(open_to_all)) == 0
    assert count(session, IpRule) > 0
    assert count(session, IpDenial) > 0
    assert count(session, Customer, Customer.email.in_(emails), Customer.status == CustomerStatus.BLOCKED) == 0


@pytest.mark.slow
def test_a_second_demo_changes_nothing(filled: Settings) -> None:
    path = filled.data_dir / DEMO_PASSWORD_FILE
    before = path.read_text(encoding="utf-8")
    assert demo.fill(filled) == 0
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.slow
def test_the_look_up_finds_the_payers_of_the_demo(filled: Settings) -> None:
    register = FileDirectory(filled.data_dir / DEMO_FILE)
    for payer in payers():
        assert inns.check(payer.inn).value == payer.inn
        assert list(register.find(payer.inn)) == [payer]
