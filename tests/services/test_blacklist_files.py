"""Files as people really send them: each kind of mess is counted as what it is, and what goes out comes in again."""

import io

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.models import BlacklistEntry, BlacklistSource, Operation, OperationRow, OperationState
from callcab.scope import Actor, Scope
from callcab.services import blacklist, operation, stored_file
from tests import factories

pytestmark = pytest.mark.usefixtures("app")
STORED = 79253944400
# A spelling, and what becomes of it: the number, "known", or the reason of the refusal (rules T2-T11, B1-B3).
MESS: tuple[tuple[str, int | str], ...] = (
    ("8 (925) 394-45-77", 79253944577),
    ("+7 925 394 45 77", "known"),  # the same in another spelling
    ("8-925-394-44-00", "known"),  # on the list already
    ('="89253944578"', 79253944578),
    ("'79253944579", 79253944579),
    ("79253944580.0", 79253944580),
    ("7,9253944581E+10", 79253944581),
    ("\uff18\uff19\uff12\uff15\uff13\uff19\uff14\uff14\uff15\uff18\uff12", 79253944582),  # full-width digits
    ("8\u202f925\u00a0394\u201145\u201183", 79253944583),  # narrow and no-break spaces, no-break dashes
    ("\u200b+7(925)394-45-84\u200e", 79253944584),  # marks that nobody sees
    ("тел. 8-925-394-45-85", 79253944585),
    ("8 925 394-45-86 доб. 12", 79253944586),
    ("+8 925 394-45-87", 79253944587),
    ("9253944588", 79253944588),
    ("8 495 123-45-67;", 74951234567),
    ("7,92539E+10", "phone.lossy"),
    ("8 701 123-45-67", "phone.foreign"),
    ("+380 44 123-45-67", "phone.foreign"),
    ("892539445", "phone.too_short"),
    ("8-800-FLOWERS", "phone.letters"),
    ('=HYPERLINK("http://a.example/89253944590")', "phone.formula"),
    ("89253944591 / 92", "phone.ambiguous"),
    ("89253944593 89253944594", "phone.multiple"),
    ("5253944595", "phone.not_assigned"),
    ("2026-11-29", "phone.too_short"),
    ("нет номера", "phone.no_digits"),
    ("", "phone.empty"),
)


def as_table(encoding: str, separator: str) -> bytes:
    """With columns that look like phones and are none, blank rows, and line ends of both kinds."""
    lines = [separator.join(("ИНН", "Телефон клиента", "Договор"))]
    for place, (spelling, _meant) in enumerate(MESS):
        cell = f'"{spelling.replace(chr(34), chr(34) * 2)}"' if separator in spelling or '"' in spelling else spelling
        lines.append(separator.join(("7707083893", cell, f"8925{place:07}")))
        lines += ["", separator * 2][: place % 3]
    return "\r\n".join(lines).encode(encoding)


def owner_with(*numbers: int) -> Actor:
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        actor = Actor(user.name, "owner", user.id, customer.id)
        blacklist.add_many(session, customer.id, numbers, source=BlacklistSource.HAND, actor=actor)
        return actor


def scope(actor: Actor) -> Scope:
    return Scope.tenant(actor.customer_id or 0)


def load(actor: Actor, content: bytes) -> Operation:
    """A file counted and written."""
    with unit_of_work(scope(actor)) as session:
        file = stored_file.upload(
            session,
            io.BytesIO(content),
            name="list.csv",
            content_type="text/csv",
            customer_id=actor.customer_id,
            created_by=actor.user_id,
        )
        params = {"customer_id": actor.customer_id, "source": "file", "reason": ""}
        made = operation.start_import(
            session, name="blacklist.import", file=file, params=params, actor=actor, customer_id=actor.customer_id
        )
    jobs.run(made.id)
    with unit_of_work(scope(actor)) as session:
        counted = operation.get(session, made.id, customer_id=actor.customer_id)
        foretold = (counted.done, counted.known, counted.failed)
        operation.confirm(session, made.id, expected=counted.done, actor=actor)
    jobs.run(made.id)
    with unit_of_work(scope(actor)) as session:
        done = operation.get(session, made.id, customer_id=actor.customer_id)
        assert (done.state, done.done, done.known, done.failed) == (OperationState.DONE, *foretold)
        return done


def export(actor: Actor) -> bytes:
    with unit_of_work(scope(actor)) as session:
        made = operation.start(
            session,
            name="blacklist.export",
            spec_name="blacklist",
            state={"search": "", "filters": {}, "sort": "phone"},
            ids=None,
            params={"format": "csv", "columns": ["phone"]},
            expected=None,
            actor=actor,
            customer_id=actor.customer_id,
        )
    jobs.run(made.id)
    with unit_of_work(scope(actor)) as session:
        done = operation.get(session, made.id, customer_id=actor.customer_id)
        return stored_file.path(
            stored_file.get(session, done.output_file_id or 0, customer_id=actor.customer_id)
        ).read_bytes()


def numbers_of(actor: Actor) -> list[int]:
    with unit_of_work(scope(actor)) as session:
        return list(session.scalars(sa.select(BlacklistEntry.phone).order_by(BlacklistEntry.phone)))


@pytest.mark.parametrize(("encoding", "separator"), [("utf-8-sig", ";"), ("utf-16", "\t")])
def test_every_kind_of_mess_is_counted_as_what_it_is(encoding: str, separator: str) -> None:
    owner = owner_with(STORED)
    made = load(owner, as_table(encoding, separator))
    good = [meant for _spelling, meant in MESS if isinstance(meant, int)]
    refused = [meant for _spelling, meant in MESS if isinstance(meant, str) and meant != "known"]
    assert (made.done, made.known, made.failed) == (len(good), 2, len(refused))
    assert numbers_of(owner) == sorted([*good, STORED])
    with unit_of_work(scope(owner)) as session:
        told = session.execute(
            sa.select(OperationRow.reason, OperationRow.text).where(OperationRow.operation_id == made.id)
        ).all()
    assert [row.reason for row in told] == refused
    again = load(owner, as_table(encoding, separator))
    assert (again.done, again.known, again.failed) == (0, len(good) + 2, len(refused))


def test_what_goes_out_comes_in_again_and_goes_out_the_same() -> None:
    some = range(79250000000, 79250000000 + 7 * 3_000, 7)
    first, second = owner_with(*some, 78001002030, 74951234567), owner_with()
    written = export(first)
    made = load(second, written)
    assert (made.done, made.known, made.failed) == (3_002, 0, 0)
    assert numbers_of(second) == numbers_of(first)
    assert export(second) == written
