"""Row ids in addresses and forms."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

BIGINT_MAX = 2**63 - 1


def encode_id(row: Any) -> str:
    """The id of a loaded row as text."""
    return str(row.id)


def decode_id(text: str | int) -> int | None:
    """The id, or None for text that no row can have: such a row is simply not found, never a server error."""
    plain = str(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 19):
        return None
    return value if 0 < (value := int(plain)) <= BIGINT_MAX else None


def decode_ids(texts: Iterable[str | int]) -> list[int]:
    """The readable ones, each once."""
    return list(dict.fromkeys(value for value in map(decode_id, texts) if value is not None))


def with_ids(model: Any, ids: Iterable[str | int]) -> sa.ColumnElement[bool]:
    """The condition "one of these rows"; unreadable ids match nothing."""
    found: sa.ColumnElement[bool] = model.id.in_(decode_ids(ids))
    return found
