from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcab.lib import money
from callcab.lib.money import AmountError, InvoiceItem, InvoiceLineError


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500", "500.00"),
        ("500,00", "500.00"),
        ("500.5", "500.50"),
        ("1 200,50", "1200.50"),
        ("1\u00a0200,50", "1200.50"),
        ("1\u202f234\u202f567", "1234567.00"),
        (" 7 ", "7.00"),
        ("0", "0.00"),
    ],
)
def test_typed_sum_is_read(text, amount):
    assert str(money.parse_amount(text)) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("abc", "not_a_number"),
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("1e3", "not_a_number"),
        ("5 00", "not_a_number"),
        ("1,2,3", "not_a_number"),
        ("1.200,50", "not_a_number"),
        ("٥٠٠", "not_a_number"),
        ("1_000", "not_a_number"),
        ("' OR 1=1", "not_a_number"),
        ("-5", "negative"),
        ("1,005", "too_many_decimals"),
        ("1000000000000", "too_large"),
    ],
)
def test_other_text_is_no_sum(text, reason):
    with pytest.raises(AmountError) as caught:
        money.parse_amount(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.56", "1\u00a0234,56"), ("0", "0,00"), ("-1234567.5", "-1\u00a0234\u00a0567,50"), ("-0.001", "0,00")],
)
def test_sum_is_shown_the_russian_way(amount, text):
    assert money.format_amount(Decimal(amount)) == text


@given(st.decimals(min_value=0, max_value=money.LARGEST, places=2))
def test_a_shown_sum_is_read_back(amount):
    assert money.parse_amount(money.format_amount(amount)) == amount


@pytest.mark.parametrize(
    ("value", "rounded"), [("0.995", "1.00"), ("2.675", "2.68"), ("-0.005", "-0.01"), ("1E-99", "0.00")]
)
def test_rounding_is_half_up(value, rounded):
    assert str(money.to_kopecks(Decimal(value))) == rounded


def test_a_float_is_no_money():
    with pytest.raises(TypeError):
        money.to_kopecks(0.1)


def test_vat_is_computed_per_line_and_added_up():
    lines = money.invoice_lines([InvoiceItem("Услуга", 1, "шт", "100.00", 22)] * 3, "inside")
    assert money.invoice_totals(lines, "inside") == money.InvoiceTotals(
        Decimal("300.00"), Decimal("54.09"), Decimal("300.00")
    )


def test_vat_on_top_is_added_to_what_is_payable():
    lines = money.invoice_lines([InvoiceItem("Услуга", "2.5", "ч", "33.33", 10)], "on_top")
    assert (lines[0].amount, lines[0].vat_amount) == (Decimal("83.33"), Decimal("8.33"))
    assert money.invoice_totals(lines, "on_top").payable == Decimal("91.66")


@pytest.mark.parametrize(
    ("item", "mode", "reason"),
    [
        (InvoiceItem("x", "NaN", "шт", "1"), "none", "quantity"),
        (InvoiceItem("x", Decimal("Infinity"), "шт", "1"), "none", "quantity"),
        (InvoiceItem("x", "1e3", "шт", "1"), "none", "quantity"),
        (InvoiceItem("x", 0, "шт", "1"), "none", "quantity"),
        (InvoiceItem("x", 1.5, "шт", "1"), "none", "quantity"),
        (InvoiceItem("x", 1, "шт", "1,5"), "none", "price"),
        (InvoiceItem("x", 1, "шт", "-1"), "none", "price"),
        (InvoiceItem("x", 1, "шт", "1", 20), "inside", "rate"),
        (InvoiceItem("x", 1, "шт", "1", 22), "none", "rate"),
        (InvoiceItem(" ", 1, "шт", "1"), "none", "name"),
        (InvoiceItem("x", 10**9, "шт", 10**9), "none", "too_large"),
    ],
)
def test_a_line_that_no_invoice_may_have_is_refused(item, mode, reason):
    with pytest.raises(InvoiceLineError) as caught:
        money.invoice_lines([InvoiceItem("хорошая", 1, "шт", "1"), item], mode)
    assert (caught.value.reason, caught.value.line) == (reason, 2)


def test_an_invoice_needs_lines_and_a_positive_total():
    with pytest.raises(InvoiceLineError, match="no_lines"):
        money.invoice_lines([], "none")
    with pytest.raises(InvoiceLineError, match="total"):
        money.invoice_lines([InvoiceItem("даром", 1, "шт", 0)], "none")


def test_zero_percent_and_no_vat_are_both_allowed_beside_a_rate():
    items = [InvoiceItem("a", 1, "шт", "10", rate) for rate in (None, 0, 5)]
    assert [line.vat_amount for line in money.invoice_lines(items, "inside")] == [0, 0, Decimal("0.48")]


def test_quantities_are_shown_without_idle_zeros():
    shown = [money.format_number(Decimal(text)) for text in ("1.000", "2.50", "1000", "1E+3")]
    assert shown == ["1", "2,5", "1\u00a0000", "1\u00a0000"]
    assert money.format_number(Decimal("0.015"), decimals=2) == "0,015"
