"""The panel of filters of a list, and the chips above it."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from markupsafe import escape

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry
from callcab.scope import Scope
from tests.web.conftest import LIST, Stage, text_of


def chips_of(answer: Any) -> dict[str, str]:
    """Words and addresses of the chips above a list."""
    found = re.findall(r'<a class="chip" href="([^"]*)"[^>]*><span>([^<]+)', answer.get_data(as_text=True))
    return {words: unescape(url) for url, words in found}


def test_a_chip_above_the_list_joins_what_is_in_force_and_takes_itself_off(stage: Stage) -> None:
    plain = stage.owner.get(LIST + "?search=7&sort=phone&after=x")
    assert chips_of(plain)["Ручной ввод"] == "?search=7&sort=phone&source=hand"
    both = chips_of(stage.owner.get(LIST + "?source=hand&source=ivr&sort=phone"))
    assert both["Ручной ввод"] == "?sort=phone&source=ivr"
    assert both["file"] == "?sort=phone&source=hand&source=ivr&source=file"


def test_the_panel_keeps_what_else_is_asked_and_each_page_its_own(stage: Stage) -> None:
    hidden = '<input type="hidden" name="{}" value="{}">'
    for search in ("7925", "<rest&>", '"<hidden>'):
        page = text_of(stage.owner.get(f"{LIST}?{urlencode({'search': search, 'sort': 'phone', 'source': 'hand'})}"))
        panel = page[page.index('class="card filters"') : page.index('class="form-actions"')]
        assert hidden.format("search", escape(search)) in panel
        assert hidden.format("sort", "phone") in panel
        assert hidden.format("source", "hand") not in panel
        assert f'href="?{escape(urlencode({"search": search, "sort": "phone"}))}">Сбросить' in page
        assert "<rest" not in page


def test_what_is_typed_into_a_filter_is_never_taken_for_a_gap(stage: Stage) -> None:
    page = text_of(stage.owner.get(f"{LIST}?{urlencode({'created_from': '<rest>', 'search': '7925'})}"))
    assert 'value="&lt;rest&gt;"' in page


def test_a_chip_replaces_a_value_that_the_filter_does_not_know(stage: Stage) -> None:
    assert chips_of(stage.owner.get(LIST + "?source=moon&search=7"))["Ручной ввод"] == "?search=7&source=hand"


def test_a_list_without_rows_has_nothing_to_narrow(stage: Stage) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.execute(sa.delete(BlacklistEntry))
    assert chips_of(stage.owner.get(LIST)) == {}
