"""Logging: one event is one line; control characters of foreign text are escaped (AC-41), secrets never come here."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

# What every record has; the rest came by ``extra``.
_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime"}


def configure(*, as_json: bool) -> None:
    """Send all logging to standard error, as JSON lines or as readable text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(as_json=as_json))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


class OneLine(logging.Formatter):
    """A record as JSON, or as ``name=value`` with quotes where there are spaces (logfmt)."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        event: dict[str, Any] = {
            "timestamp": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _OWN},
        }
        if record.exc_info and record.exc_info[0] is not None:
            event["exception"] = self.formatException(record.exc_info)
        told = {key: _escaped(value) for key, value in event.items()}
        if self._as_json:
            return json.dumps(told, ensure_ascii=False, default=lambda value: _escaped(repr(value)))
        return " ".join(f"{key}={_word(value)}" for key, value in told.items())


def _escaped(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)


def _word(value: Any) -> str:
    """A value of a readable line: nothing for None, in quotes where its end would not be seen."""
    if value is None:
        return ""
    text: str = _escaped(str(value))
    if not any(sign in text for sign in ' ="'):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
