"""Who gets what at every address: role × address → status, kept in tests/access.json so that a change is seen.

To accept a change on purpose: ``./run test tests/sweeps/test_access.py --update-access``, then read the diff.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from callcab.permissions import PERMISSIONS
from callcab.web.access import Page
from callcab.web.listing import ListView
from tests.client import Browser
from tests.people import People

# What a walk comes by is not tested by it.
pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

KNOWN = Path(__file__).resolve().parents[1] / "access.json"
ROLES = ("nobody", "vera", "kolya", "olga", "sasha", "lida", "admin")
ROLE_NAMES = {
    "nobody": "anonymous",
    "vera": "viewer",
    "kolya": "operator",
    "olga": "owner",
    "sasha": "agent",
    "lida": "lead",
    "admin": "admin",
}


def addresses(app: Flask, method: str) -> list[str]:
    """Every route of ours; an id in the path becomes one that does not exist."""

    def path(rule: Rule) -> str:
        parts = ["999999" if part.startswith("<") else part for part in rule.rule.split("/")]
        return "/".join(parts)

    found = {
        path(rule)
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint.rpartition(".")[2] != "static"
    }
    return sorted(found)


def test_every_role_gets_what_the_table_says(app: Flask, people: People, request: pytest.FixtureRequest) -> None:
    browsers = {name: Browser(app) if name == "nobody" else people.browser(name) for name in ROLES}
    seen: dict[str, dict[str, int]] = {}
    for path in addresses(app, "GET"):
        row = {}
        for name, browser in browsers.items():
            row[ROLE_NAMES[name]] = browser.get(path, status=None, follow=False).status
        seen[f"GET {path}"] = row
    for path in addresses(app, "POST"):
        if path == "/logout":
            continue
        row = {}
        for name, browser in browsers.items():
            row[ROLE_NAMES[name]] = browser.send(path, {"csrf_token": "forged"}, follow=False).status
        seen[f"POST {path} with a forged token"] = row
    if request.config.getoption("--update-access"):
        KNOWN.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert seen == json.loads(KNOWN.read_text(encoding="utf-8"))


def test_no_post_without_a_valid_token_does_anything() -> None:
    """A forged token is refused before anything else; programs show a bearer token instead of a cookie (401)."""
    table = json.loads(KNOWN.read_text(encoding="utf-8"))
    acted = {
        (address, role): status
        for address, row in table.items()
        if address.startswith("POST")
        for role, status in row.items()
        if status not in (400, 401, 404, 405)
    }
    assert acted == {}


def test_nobody_reads_a_private_page_without_signing_in() -> None:
    table = json.loads(KNOWN.read_text(encoding="utf-8"))
    public = (
        "/login",
        "/password",
        "/invite",
        "/healthz",
        "/readyz",
        "/version",
        "/metrics",
        "/api/docs",
        "/api/openapi",
    )
    open_pages = [
        address
        for address, row in table.items()
        if address.startswith("GET") and row["anonymous"] == 200 and not address.split()[1].startswith(public)
    ]
    assert open_pages == []


def test_no_page_ends_in_an_error_of_ours() -> None:
    table = json.loads(KNOWN.read_text(encoding="utf-8"))
    broken = {address: row for address, row in table.items() if any(status >= 500 for status in row.values())}
    assert broken == {}


def test_no_two_doors_have_one_address(app: Flask) -> None:
    rules = app.url_map.iter_rules()
    doors = Counter((rule.rule, method) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert [door for door, count in doors.items() if count > 1] == []


def test_every_view_declares_a_permission_that_exists(app: Flask) -> None:
    undeclared = []
    for admin in app.extensions["admin"]:
        for view in admin._views:
            assert isinstance(view, ListView | Page), f"{view.endpoint} derives from neither base"
            if view.permission not in PERMISSIONS:
                undeclared.append(view.endpoint)
    assert undeclared == []


def test_every_action_declares_a_permission_that_exists(app: Flask) -> None:
    for admin in app.extensions["admin"]:
        for view in admin._views:
            for action in getattr(view, "actions", ()):
                assert action.permission in PERMISSIONS, f"{view.endpoint}: {action.name}"
