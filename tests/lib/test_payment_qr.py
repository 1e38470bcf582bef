import xml.etree.ElementTree as ET
from decimal import Decimal
from io import BytesIO

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from callcab.lib import payment_qr
from callcab.lib.payment_qr import PaymentQrError

OPEN_EXAMPLE = (
    'ST00012|Name=ООО «Три кита»|PersonalAcc=40702810138250123017|BankName=ОАО "БАНК"|BIC=044525225'
    "|CorrespAcc=30101810400000000225|Sum=100000"
)
PAYEE = {
    "name": "ООО «Три кита»",
    "personal_acc": "40702810138250123017",
    "bank_name": 'ОАО "БАНК"',
    "bic": "044525225",
    "corresp_acc": "30101810400000000225",
}


def test_open_example_is_written_byte_for_byte():
    assert payment_qr.encode(**PAYEE, amount=Decimal("1000")) == OPEN_EXAMPLE


def test_open_example_is_read():
    read = payment_qr.decode(OPEN_EXAMPLE)
    assert (read.name, read.amount, read.purpose) == ("ООО «Три кита»", Decimal("1000.00"), None)


def test_sum_is_written_in_kopecks_and_empty_fields_are_left_out():
    text = payment_qr.encode(**PAYEE, amount=Decimal("120.00"), purpose="", payee_inn="7707083893", kpp=None)
    assert text.endswith("|Sum=12000|PayeeINN=7707083893")


def test_another_separator_is_declared_when_a_value_holds_the_usual_one():
    text = payment_qr.encode(**PAYEE, purpose="a|b~c=d")
    assert text.startswith("ST00012^Name=")
    assert payment_qr.decode(text).purpose == "a|b~c=d"


def test_no_free_separator_is_an_error():
    with pytest.raises(PaymentQrError, match="separator"):
        payment_qr.encode(**PAYEE, purpose=payment_qr.SEPARATORS)


def test_line_breaks_in_values_become_spaces():
    text = payment_qr.encode(**PAYEE, purpose="по счету\r\n№ 1\u2028конец")
    assert payment_qr.decode(text).purpose == "по счету № 1 конец"


@pytest.mark.parametrize(("digit", "encoding"), [("1", "cp1251"), ("2", "utf-8"), ("3", "koi8-r")])
def test_all_three_encodings_and_a_trailing_separator_are_read(digit, encoding):
    data = (OPEN_EXAMPLE.replace("«", '"').replace("»", '"').replace("ST00012", f"ST0001{digit}") + "|").encode(
        encoding
    )
    assert payment_qr.decode(data).bank_name == 'ОАО "БАНК"'


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"name": ""}, "missing", "Name"),
        ({"personal_acc": "4070281013825012301"}, "format", "PersonalAcc"),
        ({"bic": "04452522"}, "format", "BIC"),
        ({"amount": Decimal("-1")}, "format", "Sum"),
        ({"name": "x" * 161}, "too_long", "Name"),
        ({"name": "Щ" * 120}, "too_long", "Name"),
        ({"bank_name": "x" * 46}, "too_long", "BankName"),
        ({"purpose": "x" * 211}, "too_long", "Purpose"),
        ({"extra": {"Sum": "1"}}, "repeated", "Sum"),
        ({"extra": {"СВС": "1"}}, "format", "СВС"),
    ],
)
def test_what_no_bank_could_read_is_not_written(change, reason, field):
    with pytest.raises(PaymentQrError) as caught:
        payment_qr.encode(**(PAYEE | change))
    assert (caught.value.reason, caught.value.field) == (reason, field)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "prefix"),
        ("ST00022|Name=x", "prefix"),
        ("ST00014|Name=x", "encoding"),
        ("ST00012|Name=x", "missing"),
        (OPEN_EXAMPLE.replace("Sum=100000", "Sum=1000.00"), "format"),
        (OPEN_EXAMPLE + "|Sum=1", "repeated"),
        (OPEN_EXAMPLE + "|rubbish", "format"),
    ],
)
def test_a_foreign_or_broken_code_is_refused(text, reason):
    for content in (text, text.encode()):
        with pytest.raises(PaymentQrError) as caught:
            payment_qr.decode(content)
        assert caught.value.reason == reason


def test_long_names_are_cut_to_what_the_code_holds():
    name, bank_name = payment_qr.fit("Щ" * 300, "Ж" * 90)
    text = payment_qr.encode(**(PAYEE | {"name": name, "bank_name": bank_name}))
    assert len(text.encode()) <= payment_qr.MANDATORY_BYTES
    assert len(bank_name) == 45


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200))
def test_any_purpose_comes_back(purpose):
    stripped = purpose.strip()
    if set(payment_qr.SEPARATORS) <= set(stripped):
        return
    assert payment_qr.decode(payment_qr.encode(**PAYEE, purpose=purpose)).purpose == (stripped or None)


def test_a_drawn_code_is_read_back_byte_for_byte():
    text = payment_qr.encode(**PAYEE, amount=Decimal("29200"), purpose="Оплата по счету № 145 от 23.11.2026. Без НДС")
    found = zxingcpp.read_barcode(Image.open(BytesIO(payment_qr.png(text))))
    assert bytes(found.bytes) == text.encode()


def test_the_svg_has_no_style():
    root = ET.fromstring(payment_qr.svg(OPEN_EXAMPLE))
    assert not [node for node in root.iter() if "style" in node.attrib or node.tag.endswith("style")]
