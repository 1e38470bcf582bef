"""A personal number with a label of its own (services.label)."""

from collections.abc import Mapping
from typing import Any

from callcab.db import CabSession
from callcab.lib.errors import Invalid
from callcab.models import NumberKind, PhoneNumber
from callcab.scope import Actor
from callcab.services import label
from callcab.services.phone_number.history import locked, note, record


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
