"""The audit log speaks to people: every action that can be written down has words in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from callcab.db import unit_of_work
from callcab.scope import Actor, Scope
from callcab.services import audit, operation
from callcab.web import errors
from callcab.web.audit_words import HIDDEN

SERVICES = Path(__file__).resolve().parents[2] / "callcab" / "services"


# Other files of tests register operations of their own while they are read.
OPERATIONS = {name for name in operation.names() if not name.startswith("test")}


@pytest.mark.parametrize("action", sorted(audit.ACTIONS | OPERATIONS))
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_action_has_words(app: Flask, action: str, language: str) -> None:
    codes = [code for code in (f"audit.{action}", f"job.{action}") if code in errors.TEXTS]
    assert codes, f"write words for audit.{action} into callcab/web/texts"
    with app.test_request_context(), force_locale(language):
        words = str(errors.TEXTS[codes[0]])
    assert any("а" <= letter.lower() <= "я" for letter in words) is (language == "ru"), words


def test_an_action_without_words_is_refused() -> None:
    with unit_of_work(Scope.staff()) as session, pytest.raises(KeyError):
        audit.record(session, "invoice.invented", actor=Actor("A", "agent", None), customer_id=None, object_type="x")


def fields() -> Iterator[str]:
    """Names of fields in the literals that services hand over as ``before`` and ``after``."""
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            values = (
                [item.value for item in node.keywords if item.arg in ("before", "after")]
                if isinstance(node, ast.Call)
                else []
            )
            if isinstance(node, ast.Assign) and any(
                getattr(name, "id", "") in ("before", "after") for name in node.targets
            ):
                values.append(node.value)
            for value in values:
                if isinstance(value, ast.Dict):
                    yield from (
                        key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
                    )


def test_every_field_has_a_name() -> None:
    unnamed = {
        name for name in fields() if not {f"audit.field.{name}", f"column.{name}"} & set(errors.TEXTS) | {name} & HIDDEN
    }
    assert unnamed == set()
