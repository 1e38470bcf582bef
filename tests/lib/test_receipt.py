from datetime import datetime
from decimal import Decimal

import pytest

from callcab.lib import receipt

EXAMPLE = "t=20210822T1058&s=1600.00&fn=9289440300712966&i=186968&fp=2494402381&n=1"


def test_receipt_text_is_read():
    assert receipt.parse(EXAMPLE) == receipt.Receipt(
        datetime.fromisoformat("2021-08-22T10:58"),
        Decimal("1600.00"),
        "9289440300712966",
        "186968",
        "2494402381",
        "income",
    )


@pytest.mark.parametrize(
    "text",
    [
        "n=1&fp=2494402381&i=186968&fn=9289440300712966&s=1600&t=20210822T105800",
        f"https://consumer.1-ofd.ru/v1?{EXAMPLE}&extra=1",
        f"  {EXAMPLE}\n",
        f"{EXAMPLE}&n=1",
    ],
)
def test_order_seconds_and_a_link_around_do_not_matter(text):
    assert receipt.parse(text) == receipt.parse(EXAMPLE)


@pytest.mark.parametrize(
    ("old", "new", "reason", "part"),
    [
        (EXAMPLE, "", "empty", ""),
        ("&n=1", "", "missing", "n"),
        ("n=1", "n=5", "format", "n"),
        ("s=1600.00", "s=1600.001", "format", "s"),
        ("s=1600.00", "s=-1", "format", "s"),
        ("fn=9289440300712966", "fn=928944030071296", "format", "fn"),
        ("fp=2494402381", "fp=4294967296", "format", "fp"),
        ("20210822T1058", "20210832T1058", "date", "t"),
        ("20210822T1058", "20210822T2560", "date", "t"),
        ("&n=1", "&n=1&n=2", "contradiction", "n"),
        ("t=", "javascript://x?t=", "format", ""),
    ],
)
def test_receipt_text_with_a_fault_is_refused(old, new, reason, part):
    with pytest.raises(receipt.ReceiptError) as caught:
        receipt.parse(EXAMPLE.replace(old, new))
    assert (caught.value.reason, caught.value.part) == (reason, part)


@pytest.mark.parametrize(
    "url",
    [
        "https://consumer.1-ofd.ru/ticket/1",
        "http://lk.platformaofd.ru/web/noauth/cheque?fn=1&fp=2",
        "https://check.ofd.ru:443/rec/1/2",
        "HTTPS://e-ofd.ru/x",
    ],
)
def test_a_plain_web_link_may_be_clicked(url):
    assert receipt.safe_link(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//check.ofd.ru/x",
        "/local",
        "https:check.ofd.ru",
        "https://",
        "https:///path",
        "https://user@check.ofd.ru/",
        "https://check.ofd.ru@evil.example/",
        "https://check.ofd.ru/a b",
        "https://check.ofd.ru/\nx",
        'https://check.ofd.ru/"onclick=',
        "https://check.ofd.ru/'x",
        "https://check.ofd.ru/<b>",
        "https://check.ofd.ru\\@evil.example",
        "https://check.ofd.ru:99999/",
        "https://[::1/",
        "https://check.ofd.ru/\u202egpj",
        "https://check.ofd.ru/" + "a" * 2000,
    ],
)
def test_everything_else_is_never_a_link(url):
    assert receipt.safe_link(url) is None
