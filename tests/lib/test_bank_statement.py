from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from callcab.lib import bank_statement
from callcab.lib.bank_statement import StatementError

DATA = Path(__file__).parent / "data"
OURS = "40702810138250123017"
THEIRS = "40702810900000000001"
DOCUMENT = f"""СекцияДокумент=Платежное поручение
Номер=17
Дата=23.11.2026
Сумма=1000.50
ПлательщикСчет={THEIRS}
Плательщик=ИНН 7707083893 ООО "Ромашка"
Плательщик1=ООО "Ромашка"
ПлательщикИНН=7707083893
ПолучательСчет={OURS}
НазначениеПлатежа=Оплата по счету № 145 = аванс
КонецДокумента
"""
SECTION = f"""СекцияРасчСчет
ДатаНачала=23.11.2026
РасчСчет={OURS}
НачальныйОстаток=-5,00
ВсегоПоступило=1000.50
КонецРасчСчет
"""
STATEMENT = f"""1CClientBankExchange
ВерсияФормата=1.03
Кодировка=Windows
ДатаНачала=23.11.2026
РасчСчет={OURS}
{SECTION}{DOCUMENT}КонецФайла
"""


def read(text, encoding="cp1251"):
    return bank_statement.parse(text.encode(encoding))


def one(text):
    (document,) = read(text).documents
    return document


def test_open_statement_of_one_day_agrees_with_its_totals():
    statement = bank_statement.parse((DATA / "statement_one_day.txt").read_bytes())
    sums = {"incoming": [], "outgoing": []}
    for document in statement.documents:
        sums[document.direction].append(document.amount)
    assert (len(sums["incoming"]), sum(sums["incoming"])) == (3, Decimal("40000.00"))
    assert (len(sums["outgoing"]), sum(sums["outgoing"])) == (10, Decimal("41184.00"))
    assert statement.warnings == ()


def test_open_statement_with_other_totals_is_read_with_a_warning():
    statement = bank_statement.parse((DATA / "statement_two_documents.txt").read_bytes())
    assert [document.amount for document in statement.documents] == [Decimal("100.00"), Decimal("1000.00")]
    assert {document.direction for document in statement.documents} == {"incoming"}
    assert statement.warnings == ("totals_received",)


def test_a_document_is_read_field_by_field():
    document = one(STATEMENT)
    assert (document.kind, document.number, document.date) == ("Платежное поручение", "17", date(2026, 11, 23))
    assert document.amount == Decimal("1000.50")
    assert (document.payer.name, document.payer.inn) == ('ООО "Ромашка"', "7707083893")
    assert document.purpose == "Оплата по счету № 145 = аванс"
    assert document.key == (THEIRS, "17", date(2026, 11, 23), Decimal("1000.50"), "Платежное поручение")


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "cp866"])
@pytest.mark.parametrize("header", ["Windows", "DOS", "UTF-8"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_content_decides_the_encoding_whatever_the_header_says(encoding, header, line_break):
    text = STATEMENT.replace("Кодировка=Windows", f"Кодировка={header}").replace("\n", line_break)
    assert read(text, encoding) == read(STATEMENT)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1000", "1000.00"), ("12000,00", "12000.00"), ("1000,5", "1000.50"), ("1 000.50", "1000.50"), ("7.1000", "7.10")],
)
def test_a_sum_may_have_a_point_or_a_comma(written, amount):
    assert str(one(STATEMENT.replace("Сумма=1000.50", f"Сумма={written}")).amount) == amount


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (STATEMENT, "", "empty"),
        ("1CClientBankExchange", "<html>", "not_a_statement"),
        ("КонецФайла\n", "", "no_end"),
        ("КонецДокумента\n", "", "unclosed_section"),
        ("КонецРасчСчет\n", "", "unclosed_section"),
        ("КонецФайла\n", f"КонецФайла\n{STATEMENT}", "after_end"),
        ("КонецФайла\n", "КонецДокумента\nКонецФайла\n", "stray_end"),
        ("КонецДокумента\n", "КонецРасчСчет\n", "stray_end"),
        ("Сумма=1000.50\n", "", "missing_amount"),
        ("Сумма=1000.50\n", "Сумма=1000.50\nСумма=9.00\n", "repeated_amount"),
        ("Сумма=1000.50", "Сумма=1.000,50", "bad_amount"),
        ("Сумма=1000.50", "Сумма=1000.505", "bad_amount"),
        ("Сумма=1000.50", "Сумма=-5", "bad_amount"),
        ("Сумма=1000.50", "Сумма=NaN", "bad_amount"),
        ("\nДата=23.11.2026", "", "missing_date"),
        ("\nДата=23.11.2026", "\nДата=31.02.2026", "bad_date"),
        ("\nДата=23.11.2026", "\nДата=2026-11-23", "bad_date"),
    ],
)
def test_a_broken_file_is_refused_whole(old, new, reason):
    with pytest.raises(StatementError) as caught:
        read(STATEMENT.replace(old, new))
    assert caught.value.reason == reason


def test_bytes_in_no_encoding_are_no_statement():
    with pytest.raises(StatementError, match="not_a_statement"):
        bank_statement.parse(bytes(range(256)))


def test_only_the_accounts_tell_the_direction():
    turned = STATEMENT.replace("ПлательщикСчет", "Х").replace("ПолучательСчет", "ПлательщикСчет")
    assert one(turned.replace("Х=", "ПолучательСчет=")).direction == "outgoing"
    assert one(STATEMENT.replace(THEIRS, OURS)).direction == "internal"


@pytest.mark.parametrize(
    ("line", "direction"),
    [("ДатаПоступило=23.11.2026", "incoming"), ("ДатаСписано=23.11.2026", "outgoing"), ("ДатаСписано=", "unknown")],
)
def test_the_dates_tell_the_direction_where_accounts_do_not(line, direction):
    document = one(STATEMENT.replace(f"ПолучательСчет={OURS}", line))
    assert document.direction == direction


def test_the_purpose_may_come_in_pieces():
    pieces = "НазначениеПлатежа1=Оплата по\nНазначениеПлатежа2=счету № 145\nНазначениеПлатежа=\n"
    assert one(STATEMENT.replace("НазначениеПлатежа=Оплата по счету № 145 = аванс\n", pieces)).purpose == (
        "Оплата по счету № 145"
    )


def test_the_same_document_twice_is_marked_and_not_counted():
    statement = read(STATEMENT.replace(DOCUMENT, DOCUMENT * 2))
    assert [document.repeated for document in statement.documents] == [False, True]
    assert statement.warnings == ("repeated_document",)


def test_sections_may_repeat_or_be_missing_and_unknown_keys_are_ignored():
    two = read(STATEMENT.replace(SECTION, SECTION + SECTION.replace(OURS, THEIRS) + "НовыйКлюч=1\n"))
    assert two.accounts == (OURS, THEIRS)
    assert two.sections[0].opening == Decimal("-5.00")
    none = read(STATEMENT.replace(SECTION, "").replace(f"\nРасчСчет={OURS}", ""))
    assert (none.accounts, none.warnings) == ((), ("no_account", "unknown_direction"))


def test_a_statement_of_a_foreign_account_is_refused():
    statement = read(STATEMENT)
    bank_statement.require_own(statement, [OURS, THEIRS])
    with pytest.raises(StatementError, match="foreign_account"):
        bank_statement.require_own(statement, [THEIRS])
