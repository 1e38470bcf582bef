"""Both languages are whole: every message of code and templates has its English text and its Russian plural forms."""

import ast
from pathlib import Path

from callcab.cli import catalogue

ROOT = Path(__file__).resolve().parents[2]
FINDERS = {"gettext", "ngettext", "lazy_gettext", "_l", "_"}


def test_the_catalogues_are_whole_and_compiled() -> None:
    assert list(catalogue.problems()) == []


def test_messages_are_found_in_code_and_templates() -> None:
    found = catalogue.extract()
    assert found.get("Ничего не найдено") is not None
    assert len(found) > 300


def test_no_message_stands_inside_an_f_string_where_nobody_would_find_it_for_the_catalogue() -> None:
    hidden = [
        f"{path.name}: {ast.unparse(call)}"
        for path in (ROOT / "callcab").rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in FINDERS
    ]
    assert hidden == []
