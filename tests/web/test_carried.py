"""What a request carries is its own, and gone with it."""

from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from callcab.web import carried
from callcab.web.formatters import DEFAULT_ZONE, current_zone
from tests.people import People

FAR = ZoneInfo("Asia/Vladivostok")
VARIABLES = (carried.who, carried.zone, carried.texts)


@pytest.mark.parametrize("path", ["/cabinet/blacklist/", "/cabinet/nothing/", "/admin/blacklist/"])
def test_nothing_is_left_of_a_request_however_it_ended(people: People, path: str) -> None:
    people.olga.get(path, status=None)
    assert [variable.get() for variable in VARIABLES] == [None, None, None]


def test_a_request_within_a_request_leaves_the_outer_one_its_zone(app: Flask, people: People) -> None:
    with app.test_request_context():
        app.preprocess_request()
        carried.carry(carried.zone, FAR)
        people.sasha.get("/admin/blacklist/")
        assert current_zone() is FAR
    assert current_zone() is DEFAULT_ZONE


def test_what_no_request_would_forget_is_not_carried() -> None:
    carried.carry(carried.zone, FAR)
    assert carried.zone.get() is None
