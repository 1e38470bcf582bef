"""Pages and static files travel packed, when the browser knows how to unpack them."""

import gzip

import pytest
from flask import Flask
from werkzeug.test import TestResponse

STYLES = "/static/vendor/tabler.min.css"


def get(app: Flask, path: str, known: str) -> TestResponse:
    return app.test_client().get(path, headers={"Accept-Encoding": known}, buffered=True)


@pytest.mark.parametrize("path", ["/login", STYLES])
def test_what_comes_packed_is_what_comes_plain(app: Flask, path: str) -> None:
    plain, packed = get(app, path, "identity"), get(app, path, "gzip, deflate")
    assert (plain.content_encoding, packed.content_encoding) == (None, "gzip")
    assert len(packed.data) < len(plain.data) / 2
    assert gzip.decompress(packed.data)[:200] == plain.data[:200]


def test_a_packed_style_sheet_is_kept_for_a_year(app: Flask) -> None:
    answer = get(app, STYLES, "gzip")
    assert answer.cache_control.max_age == 31536000
    assert "Accept-Encoding" in answer.vary
