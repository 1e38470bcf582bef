"""Blacklists from every source, and the operations that people see in «Операции»: imports, an export, a bulk action."""

from collections.abc import Iterable
from io import BytesIO
from random import Random

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.people import World
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import BlacklistEntry, BlacklistSource, Operation, OperationState
from callcab.services import audit, blacklist, listing, operation, stored_file
from callcab.web import texts

# Customer, days ago, how many of a file; then lists pasted, sent by a program, typed one by one.
FILES = (("north", 38, 2_100), ("doctor", 26, 500), ("collect", 15, 700))
PASTED = (("north", 25, 320), ("ural", 22, 260), ("maria", 6, 40))
SENT = (("ural", 17, 180), ("north", 7, 60))
TYPED = (("north", 24, 9), ("doctor", 20, 7), ("volga", 11, 5), ("collect", 4, 6))
PLATFORM = ((45, 220, "Жалобы в ФАС"), (18, 60, "Экстренные службы и госорганы"))
_SPOILT = ("8925394457", "нет номера", "+375 29 123-45-67", "=CMD()", "8 800 FLOWERS")


def plan(world: World) -> None:
    timeline = world.timeline
    rolls = dice.dice("lists")
    for key, days, size in FILES:
        moment = timeline.afternoon(days, 260)
        timeline.add(moment, lambda args=(key, _numbers(rolls, size)): _import(world, *args))
    for source, portions in ((BlacklistSource.CLIPBOARD, PASTED), (BlacklistSource.API, SENT)):
        for key, days, size in portions:
            moment = timeline.afternoon(days, 270)
            timeline.add(moment, lambda args=(key, _numbers(rolls, size), source): _add(world, *args))
    for key, days, size in TYPED:
        for index, number in enumerate(_numbers(rolls, size)):
            moment = timeline.afternoon(days, 280 + 3 * index)
            timeline.add(moment, lambda args=(key, number): _type(world, *args))
    for days, size, reason in PLATFORM:
        moment = timeline.afternoon(days, 330)
        timeline.add(moment, lambda args=(_numbers(rolls, size), reason): _platform(world, *args))
    refused = _numbers(dice.dice("operator"), 14)
    timeline.add(timeline.afternoon(3, 340), lambda: _add(world, "north", refused, BlacklistSource.OPERATOR))
    timeline.add(timeline.afternoon(2, 400), lambda: _delete_some(world))
    timeline.add(timeline.ago(45), lambda: _export(world))


def _numbers(rolls: Random, size: int) -> list[int]:
    return sorted({dice.mobile(rolls) for _ in range(size)})


def _import(world: World, key: str, numbers: list[int]) -> None:
    """A file as customers have them: headings, names, repeats, rows that are no number. Counted, then confirmed."""
    lines = ["ФИО;Телефон;Комментарий"]
    lines += [f"Абонент {index};{phones.display(phones.from_int(number))};" for index, number in enumerate(numbers, 1)]
    lines += [f"Абонент;{text};" for text in _SPOILT] + lines[1:26]
    actor = world.owner(key)
    customer_id = world.customers[key].id
    file = stored_file.upload(
        world.session,
        BytesIO("\r\n".join(lines).encode("cp1251")),
        name=f"стоп-лист {clock.now():%d.%m}.csv",
        content_type="text/csv",
        customer_id=customer_id,
        created_by=actor.user_id,
    )
    made = operation.start_import(
        world.session,
        name="blacklist.import",
        file=file,
        params={"customer_id": customer_id, "source": BlacklistSource.FILE.value, "reason": "Выгрузка из CRM"},
        actor=actor,
        customer_id=customer_id,
    )
    carry_out(world, made)
    operation.confirm(world.session, made.id, expected=made.done, actor=actor)
    carry_out(world, made)


def carry_out(world: World, made: Operation) -> None:
    """What a worker does, within the one transaction of the demo."""
    attempt = operation.begin(world.session, made.id)
    known = texts.load()
    with operation.Run(attempt, lambda code: str(known.get(code, code))) as run:
        while operation.step(world.session, made.id, run) is operation.Step.MORE:
            pass
    world.session.flush()


def _add(world: World, key: str, numbers: Iterable[int], source: BlacklistSource) -> None:
    actor, customer_id = world.owner(key), world.customers[key].id
    added = blacklist.add_many(world.session, customer_id, numbers, source=source, actor=actor)
    _note(world, key, added, source)


def _note(world: World, key: str, added: int, source: BlacklistSource) -> None:
    audit.record(
        world.session,
        "blacklist.add",
        actor=world.owner(key),
        customer_id=world.customers[key].id,
        object_type="blacklist",
        after={"count": added, "source": source.value},
    )


def _type(world: World, key: str, number: int) -> None:
    blacklist.add(
        world.session,
        customer_id=world.customers[key].id,
        text=phones.display(phones.from_int(number)),
        source=BlacklistSource.HAND,
        actor=world.owner(key),
        reason="Просил не звонить",
    )


def _platform(world: World, numbers: Iterable[int], reason: str) -> None:
    blacklist.add_many(
        world.session, None, numbers, source=BlacklistSource.HAND, actor=world.support("lead"), reason=reason
    )


def _delete_some(world: World) -> None:
    """A bulk action over ticked rows."""
    customer_id = world.customers["north"].id
    ids = world.session.scalars(
        sa.select(BlacklistEntry.id)
        .where(BlacklistEntry.customer_id == customer_id, BlacklistEntry.source == BlacklistSource.CLIPBOARD)
        .order_by(BlacklistEntry.id)
        .limit(12)
    ).all()
    operation.run_inline(
        world.session,
        name="blacklist.delete",
        spec_name="blacklist",
        state=_everything(),
        ids=list(ids),
        params={},
        expected=len(ids),
        actor=world.owner("north"),
        customer_id=customer_id,
    )


def _export(world: World) -> None:
    customer_id = world.customers["north"].id
    made = operation.start(
        world.session,
        name="blacklist.export",
        spec_name="blacklist",
        state=_everything(),
        ids=None,
        params={},
        expected=None,
        actor=world.owner("north"),
        customer_id=customer_id,
    )
    carry_out(world, made)
    if made.state is not OperationState.DONE:
        raise RuntimeError(f"the demo's export ended as {made.state}")


def _everything() -> dict[str, object]:
    return listing.to_json(listing.ListState())
