"""List files: rules B1-B5 and B9."""

import io
import zipfile
from decimal import Decimal

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from callcab.lib import phone
from callcab.lib.csv_io import CsvWriter, FileError, Limits, read_numbers, read_phones, safe_cell, sniff, version

ONE, TWO, THREE = "+79253944577", "+79253944578", "+79161234567"
SHEET = "xl/worksheets/sheet1.xml"


def read(content, **options):
    data = content if isinstance(content, bytes) else content.encode()
    records = list(read_phones(io.BytesIO(data), **options))
    assert list(read_numbers(io.BytesIO(data), **options)) == alone(records)
    return [(item.line, item.phone.e164 if item.phone else item.reason) for item in records]


def alone(records):
    """As a list that keeps nothing but numbers reads them."""
    return [int(item.phone.e164) if item.phone else item for item in records]


def refusal(content, **options):
    with pytest.raises(FileError) as caught:
        read_phones(io.BytesIO(content), **options)
    return caught.value.reason


def packed(**members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def workbook(rows, formats=None):
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet()
    date = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, tuple):
                sheet.write_number(number, column, value[0], date)
            elif isinstance(value, str) and value.startswith("=") and not value.startswith('="'):
                sheet.write_formula(number, column, value, None, 79253944577)
            elif value is not None:
                sheet.write(number, column, value)
    book.add_worksheet().write(0, 0, "89990000000")
    book.close()
    return target.getvalue()


def changed(content, name, change):
    """Return the archive with one member's text changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, change(data.decode()) if member == name else data)
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_text_file_is_read(encoding, separator, end):
    table = [["ФИО", "Телефон"], ["Иван", "8 925 394-45-77"], ["", ""], ["Пётр", "+7(925)394-45-78"]]
    content = end.join(separator.join(row) for row in table) + end
    assert read(content.encode(encoding)) == [(2, ONE), (4, TWO)]


def test_one_cyrillic_letter_at_the_end_decides_the_encoding():
    content = b"name;phone\n" + b"x;89253944577\n" * 100_000 + "Иван;89253944578\n".encode("cp1251")
    assert sniff(io.BytesIO(content)).encoding == "cp1251"


def test_a_stopped_import_goes_on_at_the_same_record():
    content = "тел\n89253944577\nмусор\n\n89253944578\n89161234567\n".encode()
    whole = list(read_phones(io.BytesIO(content)))
    assert [item.place for item in whole] == [0, 1, 2, 3]
    assert list(read_phones(io.BytesIO(content), skip_records=2)) == whole[2:]
    assert list(read_numbers(io.BytesIO(content), skip_records=2)) == alone(whole[2:])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoted", ["", '"8 (925)\n394-45-77"'], ids=["plain", "with a quoted cell far inside"])
@pytest.mark.parametrize("header", ["", "Список\nТелефон\n"], ids=["bare", "under a header"])
def test_a_long_list_of_one_column_reads_the_same_by_the_block(header, quoted, end):
    lines = []
    for n in range(9_000):
        lines.append((f"7925{n:07}", f"8 (916) {n:07}", f"+7495{n:07}", "", "не номер", "  ", f"8925{n}")[n % 7])
    lines[8_000:8_000] = [quoted, "x" * 70_000, "89253944577"]
    found = read((header + "\n".join(lines)).replace("\n", end))
    assert len(found) > 6_000
    assert {reason for _, reason in found if not reason.startswith("+")} >= {"no_digits", "too_short", "too_long"}


def test_rejected_rows_keep_their_line_and_text():
    record = list(read_phones(io.BytesIO(b"89253944577\n\n8-800-FLOWERS\n")))[1]
    assert (record.line, record.reason, record.raw) == (3, "letters", "8-800-FLOWERS")


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ("ИНН;Телефон;СНИЛС\n7707083893;89253944577;81234567890\n", [(2, ONE)]),
        ("Список номеров\n\nИмя;Моб\nИван;89253944577\n", [(4, ONE)]),
        ("Тел1;Имя;Тел2\n89253944577;И;89253944578\n;И;89161234567\n", [(2, ONE), (2, TWO), (3, THREE)]),
        ("Номер договора;Phone\n12345;89253944577\n", [(2, ONE)]),
        ("Номер;Моб\n89253944577;89253944578\n", [(2, ONE), (2, TWO)]),
        ("Плательщик;Телеграм;Мобильный\nИван;89161234567;89253944577\n", [(2, ONE)]),
        ("1;Иван;89253944577\n2;Пётр;89253944578\n", [(1, ONE), (2, TWO)]),
        ("Тел. 89253944577\n89253944578\n", [(1, ONE), (2, TWO)]),
        ("89253944577\nтелефон уточнить\n89253944578\n", [(1, ONE), (2, "no_digits"), (3, TWO)]),
        ("Имя;Телефон\nИван;\nПётр\n", [(2, "empty"), (3, "empty")]),
        ("7,9253944577E+10\n7,92539E+10\n", [(1, ONE), (2, "lossy")]),
        ("79253944577,0\n79253944578,0\n", [(1, ONE), (2, TWO)]),
        ("sep=;\nИмя;Тел\nИ;89253944577\n", [(3, ONE)]),
        ('="89253944577";x\n="89253944578";y\n', [(1, ONE), (2, TWO)]),
        ("=SUM(89253944577)\n", [(1, "formula")]),
    ],
)
def test_the_phone_columns_are_found_and_no_others(content, records):
    assert read(content) == records


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ('Имя;тел\n"ООО ""Р"";К";89253944577\n', [(2, ONE)]),
        ('Имя;тел\n"a\nb";89253944577\nc;89253944578\n', [(2, ONE), (4, TWO)]),
        ('Имя;тел\n"Иван;89253944577\nП;89253944578\n', [(2, ONE), (3, TWO)]),
        ('Имя;тел\n"Иван;89253944577\n="1";89253944578\n', [(2, ONE), (3, TWO)]),
        ('Имя;тел\n5" диск;89253944577\nП;89253944578\n', [(2, ONE), (3, TWO)]),
        ('Имя;тел\n"И"ван;89253944577\n', [(2, ONE)]),
    ],
)
def test_a_stray_quote_swallows_no_other_line(content, records):
    assert read(content) == records


@pytest.mark.parametrize("length", [65_535, 65_536, 131_072, 500_000])
def test_an_endless_line_costs_one_record(length):
    assert read("89253944577\n" + "9" * length + "\n89253944578\n") == [(1, ONE), (2, "too_long"), (3, TWO)]
    assert read("89253944577\n" + "9" * length) == [(1, ONE), (2, "too_long")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_long_file_has_the_lines_of_its_editor(end):
    kinds = ("89251234567", "+7 (925) 123-45-67", "", "нет", "тел. 8-925-123-45-67")
    lines = [kinds[place % 5] for place in range(20_000)]
    expected = [place for place, line in enumerate(lines, 1) if line]
    assert [line for line, _ in read(end.join(lines))] == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "empty"),
        ("\ufeff \n".encode("utf-16-le"), "empty"),
        (b"8925\x00\x01\x02", "binary"),
        (b"89253944577\n" * 50_000 + b"\x00", "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"PK\x03\x04 no archive", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_excel"),
        (packed(**{"readme/": "", "Thumbs.db": "x"}), "no_data_file"),
        (packed(**{"a.csv": "89253944577", "b.csv": "89253944578"}), "several_files"),
        (packed(**{"a.zip": packed(**{"a.csv": "89253944577"})}), "no_data_file"),
        (packed(**{"a.csv": ""}), "empty"),
    ],
)
def test_a_bad_file_is_refused_whole(content, reason):
    assert refusal(content) == reason


def test_limits_hold_before_the_first_record():
    limits = Limits(packed=1000, unpacked=1000, rows=3, columns=2)
    assert refusal(b"1" * 1001, limits=limits) == "too_big"
    assert refusal(b"89253944577\n" * 5, limits=limits) == "too_many_rows"
    assert refusal(packed(**{"a.csv": "9" * 5000}), limits=limits) == "bomb"


def test_a_million_numbers_come_back_with_their_heading():
    layout = sniff(io.BytesIO("Номер\r\n".encode() + b"+7(925)394-45-77\r\n" * 1_000_000))
    assert layout.header_line == 1
    assert refusal(b"89253944577\n" * (1 << 20) + b"1\n") == "too_many_rows"


def test_a_zip_with_one_data_file_is_read():
    assert read(packed(**{"__MACOSX/._a.csv": "x", "dir/Thumbs.db": "x", "dir/a.csv": "89253944577\n"})) == [(1, ONE)]
    assert read(packed(**{"a.xlsx": workbook([["Тел"], ["89253944577"]])})) == [(2, ONE)]


def test_a_zip_that_lies_about_its_size_is_refused():
    content = packed(**{"a.csv": "89253944577\n" * 100})
    directory = content.index(b"PK\x01\x02")
    lying = bytearray(content)
    lying[directory + 24 : directory + 28] = (12).to_bytes(4, "little")
    assert refusal(bytes(lying)) == "unreadable"


def test_a_broken_zip_member_is_refused():
    content = bytearray(packed(**{"a.csv": "89253944577\n" * 100}))
    content[45] ^= 0xFF
    assert refusal(bytes(content)) == "unreadable"


def test_cells_of_a_sheet_are_read_by_their_kind():
    rows = [
        ["Имя", "Телефон"],
        ["a", 79253944577],
        ["b", 79253944578.0],
        ["c", "8(916)123-45-67"],
        ["d", (45000,)],
        [],
        ["e", True],
        ["f", "=1+1"],
        ["g", 7925394457.5],
        ["h"],
    ]
    assert read(workbook(rows)) == [
        (2, ONE),
        (3, TWO),
        (4, THREE),
        (5, "letters"),
        (7, "no_digits"),
        (8, ONE),
        (9, "bad_chars"),
        (10, "empty"),
    ]


def test_a_sheet_is_read_as_a_spreadsheet_library_reads_it():
    content = workbook([["Тел", "x"], *[[79250000000 + n, f"Имя & <{n}>"] for n in range(500)]])
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    expected = [f"+{int(row[0])}" for row in sheet.to_python()[1:]]
    assert [e164 for _, e164 in read(content)] == expected


def test_cells_without_addresses_stand_in_their_order():
    content = workbook([["Имя", "Тел"], ["a", 79253944577]])
    bare = changed(content, SHEET, lambda xml: xml.replace(' r="A2"', "").replace(' r="B2"', "").replace(' r="2"', ""))
    assert read(bare) == [(2, ONE)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda xml: xml.replace("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1), "bomb"),
        (lambda xml: xml.replace("</sheetData>", ""), "unreadable"),
        (lambda xml: xml.replace('r="A1"', 'r="XFD1"'), "too_many_columns"),
        (lambda xml: xml.replace("<sheetData>", "<sheetData>" + "<row/>" * 20_000), "too_many_rows"),
    ],
)
def test_a_hostile_sheet_is_refused(change, reason):
    content = changed(workbook([["Тел"], [79253944577]]), SHEET, change)
    assert refusal(content, limits=Limits(rows=10_000)) == reason


def test_a_claimed_huge_sheet_costs_nothing():
    content = workbook([["Тел"], [79253944577]])
    huge = changed(
        content, SHEET, lambda xml: xml.replace('ref="A1:A2"', 'ref="A1:XFD1048576"').replace('r="2"', 'r="1048576"')
    )
    assert read(huge) == [(1048576, ONE)]


def test_a_workbook_without_its_sheet_is_refused():
    content = changed(
        workbook([["Тел"]]), "xl/_rels/workbook.xml.rels", lambda xml: xml.replace("sheet1.xml", "no.xml")
    )
    assert refusal(content) == "unreadable"


def test_a_path_and_an_unseekable_stream_are_read(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    path = tmp_path / "list.csv"
    path.write_bytes(b"89253944577\n")
    assert [item.phone.e164 for item in read_phones(path)] == [ONE]
    assert [item.phone.e164 for item in read_phones(Pipe(b"89253944577\n"))] == [ONE]


def test_the_callers_file_stays_open():
    file = io.BytesIO(b"89253944577\n")
    list(read_phones(file))
    assert not file.closed


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u200b@"])
def test_free_text_never_becomes_a_formula(start):
    assert safe_cell(start + "1+1") == "'" + start + "1+1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("+7(925)394-45-77", "+7(925)394-45-77"),
        (Decimal("-5.00"), "-5.00"),
        (-5, "-5"),
        (None, ""),
        ("", ""),
        ("Иван = Пётр", "Иван = Пётр"),
        ("+7(925)394-45-77+1", "'+7(925)394-45-77+1"),
    ],
)
def test_phones_numbers_and_plain_text_stay(value, cell):
    assert safe_cell(value) == cell


def test_an_export_has_the_form_that_spreadsheets_expect():
    target = io.BytesIO()
    with CsvWriter(target, ["Телефон", "Заметка"]) as writer:
        writer.row(["+7(925)394-45-77", 'a;"b"'])
    assert target.getvalue() == '\ufeffТелефон;Заметка\r\n+7(925)394-45-77;"a;""b"""\r\n'.encode()


@given(
    st.lists(
        st.tuples(
            st.integers(9000000000, 9299999999).map(lambda number: f"+7{number}"),
            st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
            | st.sampled_from(['"', "a\nb", ";", "=1"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_an_export_is_imported_as_the_same_numbers(entries):
    target = io.BytesIO()
    with CsvWriter(target, ["Телефон", "Заметка"]) as writer:
        writer.rows((phone.display(e164), note) for e164, note in entries)
    records = list(read_phones(io.BytesIO(target.getvalue())))
    assert [item.phone.e164 for item in records] == [e164 for e164, _ in entries]


def test_other_code_that_reads_files_is_another_version(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, code in zip(folders, ("a", "b", "a"), strict=True):
        folder.mkdir()
        (folder / "reading.py").write_text(code)
    found = [version((folder,)) for folder in folders]
    assert found[0] == found[2] != found[1]
