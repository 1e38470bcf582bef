"""Formats of values, icons, and the files that come from other projects."""

import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callcab.web import formatters
from callcab.web.formatters import html_text, link, status
from callcab.web.language import lazy_gettext

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "callcab" / "static" / "vendor"
AT = datetime(2024, 5, 7, 7, 55, 26, tzinfo=UTC)

SHOWN = [
    (formatters.moment(AT, ZoneInfo("Europe/Moscow")), "07.05.2024 (10:55:26)"),
    (formatters.moment(AT, ZoneInfo("Asia/Vladivostok")), "07.05.2024 (17:55:26)"),
    (formatters.moment(None), "—"),
    (formatters.day(date(2024, 5, 7)), "07.05.2024"),
    (formatters.day(datetime(2024, 5, 6, 22, tzinfo=UTC)), "07.05.2024"),
    (formatters.number(1945), "1\u00a0945"),
    (formatters.number(None), "—"),
    (formatters.money(Decimal("1234.56")), "1\u00a0234,56\u00a0₽"),
    (formatters.money(Decimal("-5")), "−5,00\u00a0₽"),
    (formatters.money(Decimal("0")), "0,00\u00a0₽"),
    (formatters.rate(Decimal("1.8")), "1,80\u00a0₽"),
    (formatters.rate(Decimal("1.8125")), "1,8125\u00a0₽"),
    (formatters.phone(79253944577), "+7(925)394-45-77"),
    (formatters.phone("+79253944577"), "+7(925)394-45-77"),
    (formatters.phone(None), "—"),
    (formatters.duration(7), "0:07"),
    (formatters.duration(3723), "1:02:03"),
    (formatters.size(1023), "1023\u00a0Б"),
    (formatters.size(12595), "12,3\u00a0КБ"),
    (formatters.size(5 * 1024**4), "5120,0\u00a0ГБ"),
    (formatters.dash(""), "—"),
    (formatters.dash(0), 0),
]


@pytest.mark.parametrize(("shown", "expected"), SHOWN)
def test_values_look_as_promised(shown: object, expected: object) -> None:
    assert shown == expected


def test_a_time_without_a_zone_is_a_defect() -> None:
    with pytest.raises(ValueError, match="zone"):
        formatters.moment(datetime(2024, 5, 7))  # noqa: DTZ001 - the defect in question


def test_money_is_never_a_float() -> None:
    with pytest.raises(TypeError):
        formatters.money(1.5)  # type: ignore[arg-type]


def test_an_old_moment_is_shown_exactly() -> None:
    assert formatters.ago(AT, now=AT + timedelta(days=2)) == formatters.moment(AT)


def test_a_link_escapes_both_its_parts() -> None:
    assert str(formatters.link('/a?b="c"', "<i>")) == '<a href="/a?b=&#34;c&#34;">&lt;i&gt;</a>'


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", ""])
def test_a_link_leads_only_to_pages(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        formatters.link(url, "x")


def test_vendored_files_are_the_ones_of_the_manifest() -> None:
    known = json.loads((VENDOR / "manifest.json").read_text())
    for name, entry in known.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert (VENDOR / entry["licence_file"]).stat().st_size > 100
    code = {path.name for path in VENDOR.iterdir() if path.suffix in (".css", ".js", ".svg")}
    assert code == set(known)


def test_every_icon_that_a_source_names_is_in_the_sprite() -> None:
    known = set((VENDOR / "icons.txt").read_text().split())
    sprite = (VENDOR / "icons.svg").read_text()
    assert known == set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = set()
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r"'([a-z0-9-]+)'\|icon\b", path.read_text()))
    for path in (ROOT / "callcab").rglob("*.py"):
        named |= set(re.findall(r'\b(?:icon|menu_icon_value)\s*=\s*"([a-z0-9-]+)"', path.read_text()))
    assert len(named) > 50
    assert named - known == set()


def test_no_source_names_a_class_that_was_cut_from_the_style_sheet() -> None:
    """Else run callcab/static/vendor/refresh.py."""
    dropped = set((VENDOR / "dropped.txt").read_text().split())
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "callcab").rglob("*.py"),
        *(ROOT / "callcab/static/js").iterdir(),
    ]
    named = {word: path.name for path in sources for word in re.findall(r"[A-Za-z][\w-]*", path.read_text())}
    assert len(dropped) > 1000
    assert {word: path for word, path in named.items() if word in dropped} == {}


def test_own_styles_and_scripts_name_no_other_host() -> None:
    for path in [*(ROOT / "callcab/static/css").iterdir(), *(ROOT / "callcab/static/js").iterdir()]:
        assert not re.search(r"https?://|url\(|@import", path.read_text()), path.name


def test_a_lazy_text_with_a_value_in_a_cell_is_escaped_as_any_other() -> None:
    text = lazy_gettext("Всего: %(n)s", n="<script>")
    shown = "Всего: &lt;script&gt;"
    assert (html_text(text), status(text), link("/a", text)) == (
        shown,
        f'<span class="status-dot-label">{shown}</span>',
        f'<a href="/a">{shown}</a>',
    )
