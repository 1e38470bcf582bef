"""Lines of the log: one for each event, whatever stands in it."""

import io
import json
import logging
from typing import Any

import pytest

from callcab.logs import OneLine


def line(message: str, *values: Any, as_json: bool, error: bool = False, **extra: Any) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(OneLine(as_json=as_json))
    logger = logging.Logger("callcab.test")
    logger.addHandler(handler)
    logger.warning(message, *values, extra=extra, exc_info=error)
    return out.getvalue()


def test_a_readable_line_has_time_level_logger_and_event_then_the_rest() -> None:
    told = line("could not %s", "ring", as_json=False, call_id=7, reason="", nobody=None)
    assert told.startswith("timestamp=20")
    assert (
        told.partition("Z ")[2]
        == 'level=warning logger=callcab.test event="could not ring" call_id=7 reason= nobody=\n'
    )


def test_a_json_line_keeps_kinds_and_cyrillic() -> None:
    told = line("готово", as_json=True, count=3, kind=int)
    assert "готово" in told
    found = json.loads(told)
    assert (found["event"], found["count"], found["kind"]) == ("готово", 3, "<class 'int'>")
    assert list(found)[:4] == ["timestamp", "level", "logger", "event"]


@pytest.mark.parametrize("as_json", [True, False])
def test_foreign_text_can_neither_begin_a_line_nor_colour_one(as_json: bool) -> None:
    told = line("x\nlevel=error \x1b[31m\u2028", as_json=as_json, name_of="a\r\nb", thing=["\n"])
    assert told.count("\n") == 1
    assert not {"\x1b", "\r", "\u2028"} & set(told)


@pytest.mark.parametrize("as_json", [True, False])
def test_an_error_is_told_with_its_traceback_in_the_same_line(as_json: bool) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        told = line("failed", as_json=as_json, error=True)
    assert told.count("\n") == 1
    assert "ValueError: bad" in told and "Traceback" in told


def test_quotes_and_backslashes_end_no_value() -> None:
    assert line('say "a\\b c"', as_json=False).endswith('event="say \\"a\\\\b c\\""\n')
