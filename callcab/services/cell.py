"""One field of a row, changed in its list: only while it is as the person saw it.

docs/adr/0016-a-cell-knows-its-value.md says why it is not the row's version that is compared.
"""

from typing import Any

from callcab.lib.errors import Conflict, Invalid


def change(row: Any, field: str, *, value: Any, seen: str) -> dict[str, Any] | None:
    """Set the field of a locked row; what it was, or None when it is so already. Not flushed.

    seen    its text as it was shown (``text_of``)
    raises  Conflict ``cell.changed`` with ``now`` when somebody else changed it meanwhile
    """
    now = getattr(row, field)
    if now == value:
        return None
    if text_of(now) != seen:
        raise Conflict("cell.changed", now=text_of(now))
    setattr(row, field, value)
    return {field: now}


def text_of(value: Any) -> str:
    """The value as a form holds it."""
    return "" if value is None else str(value)


def one_line(text: str, limit: int) -> str:
    """Words with single spaces. Invalid ``field.too_long``."""
    line = " ".join(text.replace("\x00", "").split())
    if len(line) > limit:
        raise Invalid("field.too_long", field="value", limit=limit)
    return line
