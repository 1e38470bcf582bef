"""What a number is called: a personal one by its label (services.label), any by a note for colleagues."""

from collections.abc import Mapping
from typing import Any

from callcab.db import CabSession
from callcab.lib.errors import Invalid
from callcab.models import NumberKind, PhoneNumber
from callcab.scope import Actor
from callcab.services import audit, cell, label
from callcab.services.phone_number.history import locked, note, record

NOTE_LIMIT = 300


def set_label(session: CabSession, number_id: int, *, values: Mapping[str, Any], actor: Actor) -> PhoneNumber:
    """Give a personal number its label; an empty one makes it use its customer's again. Flushed, audited.

    Raises NotFound, Invalid("number.not_personal"), and what ``label.check`` raises.
    """
    number = locked(session, number_id)
    if number.kind is not NumberKind.PERSONAL:
        raise Invalid("number.not_personal")
    checked = label.check(values)
    before = {name: getattr(number, name) for name in checked if getattr(number, name) != checked[name]}
    if before:
        for name in before:
            setattr(number, name, checked[name])
        after = {name: checked[name] for name in before}
        note(session, number, "label", actor=actor, text=number.label_text)
        record(session, "number.label", number, actor, before, after)
    return number


def set_note(session: CabSession, number_id: int, *, value: str, seen: str, actor: Actor) -> PhoneNumber:
    """Leave a note for colleagues; its customer sees neither it nor that it changed. Flushed, audited.

    Raises NotFound, Invalid("field.too_long"), Conflict("cell.changed").
    """
    text = cell.one_line(value, NOTE_LIMIT)
    number = locked(session, number_id)
    before = cell.change(number, "note", value=text, seen=seen)
    if before is not None:
        number.version += 1
        audit.record(
            session,
            "number.note",
            actor=actor,
            customer_id=None,
            object_type="phone_number",
            object_id=number.id,
            before=before,
            after={"note": text},
        )
        session.flush()
    return number
