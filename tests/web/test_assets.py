"""Addresses of static files: cached for ever by their contents, and fresh while somebody changes them."""

from pathlib import Path

import pytest
from flask import Flask

from callcab.web.assets import asset_filter

PAGE = "{{ 'look.css'|asset }}"


@pytest.mark.parametrize(("debug", "same"), [(False, True), (True, False)])
def test_a_changed_file_has_a_new_address_at_once_only_while_debugging(tmp_path: Path, debug: bool, same: bool) -> None:
    app = Flask("assets", static_folder=str(tmp_path), static_url_path="/static")
    app.debug = debug
    app.jinja_env.filters["asset"] = asset_filter(app)
    (tmp_path / "look.css").write_text("a {}")
    page = app.jinja_env.from_string(PAGE)
    with app.app_context():
        before = page.render()
        (tmp_path / "look.css").write_text("b {}")
        assert (page.render() == before) is same
    assert before.startswith("/static/look.css?v=")
