"""Files that come by themselves: their moments, what they hold, and what stops them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Forbidden, Invalid, NotFound
from callcab.lib.storage import StorageError
from callcab.models import (
    BlacklistSource,
    ExportSchedule,
    MailMessage,
    Operation,
    OperationState,
    Period,
    SavedView,
    User,
    UserStatus,
)
from callcab.scope import Actor, Scope
from callcab.services import blacklist, export_schedule, operation, saved_view
from tests import factories

pytestmark = pytest.mark.usefixtures("app")
SYSTEM = Scope.system("test")
KAMCHATKA = ZoneInfo("Asia/Kamchatka")
WEEKLY = {"period": "weekly", "day": 1, "hour": 9, "only_new": False, "params": {"format": "csv"}}
QUERY = [("source", "hand"), ("sort", "phone")]


@pytest.fixture
def owner() -> Actor:
    """Of a customer in Kamchatka who has two numbers on his blacklist."""
    with unit_of_work(SYSTEM) as session:
        customer = factories.customer(session, zone=KAMCHATKA.key)
        user = factories.user(session, customer, "owner")
        actor = Actor(user.name, "owner", user.id, customer.id)
        add(session, actor, 79253944477, 79253944478)
        return actor


def add(session, actor: Actor, *phones: int) -> None:
    blacklist.add_many(session, actor.customer_id, phones, source=BlacklistSource.HAND, actor=actor)


def agree(actor: Actor, query=QUERY, **values: object) -> ExportSchedule:
    with unit_of_work(Scope.tenant(actor.customer_id or 0)) as session:
        view = saved_view.save(session, list_name="blacklist", name="Руками", query=query, shared=False, actor=actor)
        return export_schedule.create(
            session, view, values={**WEEKLY, **values}, customer_id=actor.customer_id, actor=actor
        )


def make_due(row: ExportSchedule, **values: object) -> None:
    with unit_of_work(SYSTEM) as session:
        late = clock.now() - timedelta(days=30)
        session.execute(sa.update(ExportSchedule).where(ExportSchedule.id == row.id).values(next_at=late, **values))


def run() -> Operation | None:
    """What the timetable starts now, carried out."""
    before = newest()
    jobs.run_schedules()
    found = newest()
    if found is None or (before is not None and found.id == before.id):
        return None
    jobs.run(found.id)
    return newest()


def newest() -> Operation | None:
    with unit_of_work(SYSTEM) as session:
        return session.scalar(sa.select(Operation).order_by(Operation.id.desc()).limit(1))


def load(row: ExportSchedule) -> ExportSchedule:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(ExportSchedule, row.id)


def test_a_view_of_conditions_joined_by_or_is_written_out(owner: Actor) -> None:
    joined = [
        ("where", "or"),
        ("w1", "1.is.source"),
        ("w1.source", "api"),
        ("w2", "2.not.source"),
        ("w2.source", "file"),
    ]
    make_due(agree(owner, query=joined))
    made = run()
    assert made is not None
    assert made.filter["where"]["join"] == "or"
    assert made.done == 2


@pytest.mark.parametrize(
    ("period", "day", "after", "expected"),
    [
        (Period.DAILY, None, "2026-11-29T08:59", "2026-11-29T09:00"),
        (Period.DAILY, None, "2026-11-29T09:00", "2026-11-30T09:00"),
        (Period.WEEKLY, 1, "2026-11-29T12:00", "2026-11-30T09:00"),
        (Period.WEEKLY, 7, "2026-11-29T12:00", "2026-12-06T09:00"),
        (Period.MONTHLY, 31, "2027-02-01T00:00", "2027-02-28T09:00"),
        (Period.MONTHLY, 31, "2027-02-28T09:00", "2027-03-31T09:00"),
        (Period.MONTHLY, 1, "2026-12-31T23:00", "2027-01-01T09:00"),
    ],
)
def test_the_next_moment_is_an_hour_of_the_customer_s_clock(
    period: Period, day: int | None, after: str, expected: str
) -> None:
    local = datetime.fromisoformat(after).replace(tzinfo=KAMCHATKA)
    found = export_schedule.next_moment(period, day, 9, KAMCHATKA, local.astimezone(UTC))
    assert found.astimezone(KAMCHATKA) == datetime.fromisoformat(expected).replace(tzinfo=KAMCHATKA)


def test_moments_that_were_missed_make_one_file_together(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    made = run()
    assert made is not None
    assert (made.state, made.done, made.actor_id) == (OperationState.DONE, 2, owner.user_id)
    assert load(row).next_at > clock.now()
    assert load(row).last_operation_id == made.id
    assert run() is None


def test_a_letter_leads_to_the_file_and_holds_none_of_it(owner: Actor) -> None:
    make_due(agree(owner))
    made = run()
    assert made is not None
    with unit_of_work(SYSTEM) as session:
        letter = session.scalars(sa.select(MailMessage)).one()
        recipient = session.get_one(User, owner.user_id).email
    assert (letter.recipient, letter.customer_id) == (recipient, owner.customer_id)
    assert f"/cabinet/jobs/details/?id={made.id}" in letter.text
    assert "Руками" in letter.text
    assert letter.attachment_id is None
    assert "394-44" not in letter.text


def letters() -> list[MailMessage]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(MailMessage).order_by(MailMessage.id)))


def started(row: ExportSchedule, **values: object) -> int:
    """The operation that the timetable queues for a schedule, with other values."""
    make_due(row)
    jobs.run_schedules()
    made = newest()
    assert made is not None
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Operation).where(Operation.id == made.id).values(**values or {"attempts": 0}))
    return made.id


def test_a_file_that_can_not_be_made_is_told_once_with_the_reason_and_what_to_do(
    owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*asked: object) -> None:
        raise StorageError("no_room")

    operation_id = started(agree(owner))
    monkeypatch.setattr(jobs.operations, "step", full)
    jobs.run(operation_id)
    jobs.run(operation_id)
    (letter,) = letters()
    assert letter.subject == "Файл не собрался: Руками"
    assert letter.customer_id == owner.customer_id
    assert "На сервере закончилось место для файлов." in letter.text
    assert "Что сделать:" in letter.text
    assert f"/cabinet/jobs/details/?id={operation_id}" in letter.text


def test_a_file_whose_workers_died_is_told_once_and_not_at_each_try(owner: Actor) -> None:
    silent = clock.now() - timedelta(minutes=5)
    operation_id = started(agree(owner), state=OperationState.RUNNING, attempts=1, heartbeat_at=silent)
    jobs.sweep()
    assert letters() == []
    with unit_of_work(SYSTEM) as session:
        values = {"state": OperationState.RUNNING, "attempts": 3, "heartbeat_at": silent}
        session.execute(sa.update(Operation).where(Operation.id == operation_id).values(**values))
    jobs.sweep()
    jobs.sweep()
    (letter,) = letters()
    assert "за 3 попытки" in letter.text


def test_a_reason_that_lacks_its_figures_hinders_neither_the_end_nor_the_letter(owner: Actor) -> None:
    operation_id = started(agree(owner))
    with unit_of_work(SYSTEM) as session:
        operation.fail(session, operation_id, "operation.gave_up")
    assert len(letters()) == 1
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Operation, operation_id).state is OperationState.FAILED


def test_a_job_that_comes_after_the_last_try_tells_it_too(owner: Actor) -> None:
    operation_id = started(agree(owner), attempts=3)
    jobs.run(operation_id)
    jobs.run(operation_id)
    assert len(letters()) == 1


def test_a_file_that_a_person_asked_for_himself_sends_no_letter(owner: Actor) -> None:
    operation_id = started(agree(owner), attempts=3)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(ExportSchedule).values(last_operation_id=None))
    jobs.run(operation_id)
    assert letters() == []


def test_a_schedule_that_stops_says_why_and_what_to_do(owner: Actor) -> None:
    make_due(agree(owner))
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(SavedView).values(query=[["gone", "1"]]))
    jobs.run_schedules()
    jobs.run_schedules()
    (letter,) = letters()
    assert letter.subject == "Файл больше не собирается: Руками"
    assert "Фильтр устарел." in letter.text
    assert "/cabinet/file-schedules/" in letter.text


def test_only_what_is_new_is_counted_from_the_schedule_s_own_last_file(
    owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = agree(owner, only_new=True)
    make_due(row)
    first = run()
    with unit_of_work(SYSTEM) as session:
        past = clock.now() - timedelta(hours=1)
        session.execute(sa.text("UPDATE blacklist_entry SET created_at = :past"), {"past": past})
        add(session, owner, 79161114477)
    make_due(row)
    second = run()
    assert first is not None and second is not None
    assert (first.done, second.done) == (2, 1)


def test_a_pause_leaves_moments_out_and_the_way_back_looks_ahead(owner: Actor) -> None:
    row = agree(owner)
    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        export_schedule.pause(session, row.id, actor=owner)
    make_due(row)
    assert run() is None
    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        export_schedule.resume(session, row.id, actor=owner)
    assert run() is None
    assert load(row).next_at > clock.now()


def test_an_owner_who_is_switched_off_gets_no_more_files(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(User).values(status=UserStatus.DISABLED))
    assert run() is None
    assert (load(row).paused, load(row).stopped) == (True, "forbidden")
    assert letters() == []


def test_what_is_paused_or_goes_on_already_stays_as_it_is(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        export_schedule.resume(session, row.id, actor=owner)
    assert load(row).next_at < clock.now(), "a file that is due was left out"
    make_due(row, paused=True, stopped="list.stale")
    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        export_schedule.pause(session, row.id, actor=owner)
    assert load(row).stopped == "list.stale"


def test_a_customer_who_is_blocked_gets_no_more_files(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.text("UPDATE customer SET status = 'blocked', block_reason = 'долг'"))
    assert run() is None
    assert (load(row).paused, load(row).stopped) == (True, "forbidden")


def test_an_owner_who_lost_the_right_gets_no_more_files(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(User).values(role="viewer"))
    assert run() is None
    assert load(row).stopped == "forbidden"


def test_a_view_that_is_out_of_date_stops_rather_than_show_more(owner: Actor) -> None:
    row = agree(owner)
    make_due(row)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(SavedView).values(query=[["gone", "1"]]))
    assert run() is None
    assert load(row).stopped == "list.stale"


def test_a_schedule_goes_with_its_view(owner: Actor) -> None:
    row = agree(owner)
    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        saved_view.delete(session, row.saved_view_id, list_name="blacklist", actor=owner)
    with unit_of_work(SYSTEM) as session:
        assert session.get(ExportSchedule, row.id) is None


def test_a_day_that_does_not_fit_is_refused(owner: Actor) -> None:
    with pytest.raises(Invalid, match="export_schedule.day"):
        agree(owner, period="weekly", day=8)


def test_only_the_owner_or_who_shares_views_may_change_it(owner: Actor) -> None:
    row = agree(owner)
    colleague = Actor("Коллега", "operator", (owner.user_id or 0) + 1000, owner.customer_id)
    with pytest.raises(Forbidden), unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        export_schedule.pause(session, row.id, actor=colleague)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with pytest.raises(NotFound), unit_of_work(Scope.tenant(other)) as session:
        export_schedule.delete(session, row.id, actor=Actor("Чужой", "owner", 1, other))
