import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from callcab.lib import svg

NS = "{http://www.w3.org/2000/svg}"
EVIL = "</title><script>alert(1)</script>\" onload='x' & \x00"
WEEK = ("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс")


def charts(name, values):
    yield svg.bars([(name, value) for value in values], label=name)
    yield svg.stacked_bar([(name, value) for value in values], label=name)
    yield svg.stacked_bars([(name, [value, value]) for value in values], series=(name, "Прочее"), label=name)
    yield svg.lying_bars([(name, value) for value in values], label=name)
    yield svg.spark_line(values, label=name)
    yield svg.heat_map([(name, values)], label=name, columns=[name] * len(values))


def rects(text):
    return list(ET.fromstring(text).iter(f"{NS}rect"))


@pytest.mark.parametrize("values", [[], [0], [5], [0, 0], [1, 2, 3], [-3, Decimal("2.5"), 7.25], [10**15, 1]])
def test_every_chart_is_well_formed_and_named_whatever_the_data(values):
    for text in charts("Звонки", values):
        root = ET.fromstring(text)
        assert (root.get("role"), root.get("aria-label")) == ("img", "Звонки")
        assert root.find(f"{NS}title").text == "Звонки"
        assert "nan" not in text.lower().replace("inan", "")


def test_hostile_names_stay_text():
    for text in charts(EVIL, [1, 2]):
        root = ET.fromstring(text)
        assert {node.tag.removeprefix(NS) for node in root.iter()} <= {
            "svg",
            "title",
            "rect",
            "line",
            "text",
            "polyline",
        }
        assert root.get("aria-label").startswith("</title><script>")


def test_no_chart_needs_a_style_a_script_or_a_foreign_file():
    for text in charts("x", [1, 2, 3]):
        for node in ET.fromstring(text).iter():
            names = set(node.attrib)
            assert not names & {"style", "href", "src"}
            assert not [name for name in names if name.startswith("on")]
            assert node.get("fill") in (None, "none", "currentColor")


def test_bars_have_tips_and_are_as_high_as_their_values():
    drawn = rects(svg.bars([("пн", 10), ("вт", 5)], label="x", value_format=lambda value: f"{value} шт."))
    assert [node.find(f"{NS}title").text for node in drawn] == ["пн: 10 шт.", "вт: 5 шт."]
    assert float(drawn[0].get("height")) == 2 * float(drawn[1].get("height"))


def test_a_negative_bar_hangs_below_the_zero_line():
    up, down = rects(svg.bars([("a", 10), ("b", -10)], label="x"))
    assert float(down.get("y")) == float(up.get("y")) + float(up.get("height"))


def test_a_stacked_bar_is_filled_to_the_end():
    drawn = rects(svg.stacked_bar([("a", 1), ("b", 0), ("c", 3)], label="x", width=400))
    assert [(node.get("x"), node.get("width")) for node in drawn] == [("0", "100"), ("100", "300")]
    assert drawn[1].find(f"{NS}title").text == "c: 3 (75%)"


def test_a_heat_map_of_a_week_has_a_square_for_every_hour():
    text = svg.heat_map([(day, range(24)) for day in WEEK], label="x")
    assert len(rects(text)) == 7 * 24
    assert rects(text)[23].find(f"{NS}title").text == "Пн, 23: 23"
    assert rects(text)[23].get("fill-opacity") == "1"


def test_labels_of_many_bars_do_not_touch():
    root = ET.fromstring(svg.bars([(f"{day:02d}.11", day) for day in range(1, 31)], label="x"))
    places = [float(node.get("x")) for node in root.iter(f"{NS}text")]
    assert min(right - left for left, right in zip(places, places[1:], strict=False)) >= 5 * svg.FONT_SIZE * 0.6


def test_parts_of_a_stacked_column_add_up_to_its_height():
    text = svg.stacked_bars(
        [("01.11", [3, 1]), ("02.11", [0, 0])], series=("Ответили", "Нет"), label="Звонки", height=118
    )
    heights = [float(rect.get("height")) for rect in rects(text)]
    assert heights == [75, 25]
    assert "01.11, Нет: 1" in text


def test_the_longest_lying_bar_is_as_wide_as_the_chart():
    text = svg.lying_bars([("Не ответил", 4), ("Занято", 1)], label="Исходы", width=400)
    assert [float(rect.get("width")) for rect in rects(text)] == [400, 100]
