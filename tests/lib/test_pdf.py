import re
import socket
import time
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader
from reportlab.platypus.flowables import KeepInFrame

from callcab.lib import invoice_text, payment_qr, pdf, pdf_drawing
from callcab.lib.money import InvoiceItem, InvoiceLine, invoice_lines, invoice_totals

SELLER = pdf.Seller(
    name="ООО «Автообзвон»",
    inn="7707083893",
    kpp="770701001",
    address="117312, г. Москва, ул. Вавилова, д. 19",
    bank_name="ПАО СБЕРБАНК г. Москва",
    bik="044525225",
    account="40702810138250123017",
    correspondent_account="30101810400000000225",
    head="Иванов И. И.",
    accountant="Петрова А. С.",
)
BUYER = pdf.Buyer(name="ИП Сидоров Сидор Сидорович", inn="500100732259", address="г. Одинцово, ул. Молодёжная, д. 1")
DAY = date(2026, 11, 23)
DASH = "—"


def document(*items, vat_mode="inside", **changes):
    items = items or (InvoiceItem("Пополнение лицевого счёта", 1, "усл.", "29200.00", 22),)
    lines = invoice_lines(items, vat_mode)
    doc = pdf.InvoiceDocument(
        number="145",
        issued_on=DAY,
        due_on=date(2026, 11, 30),
        seller=SELLER,
        buyer=BUYER,
        lines=lines,
        vat_mode=vat_mode,
        totals=invoice_totals(lines, vat_mode),
        purpose=invoice_text.payment_purpose("145", DAY, lines, vat_mode),
        basis="Договор-оферта № 12",
    )
    return replace(doc, **changes)


def pages(data):
    return [" ".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(data)]


def text_of(doc):
    return " ".join(pages(pdf.invoice_pdf(doc)))


def tight(text):
    """Without white space: a long word may be broken anywhere."""
    return re.sub(r"\s+", "", text)


def test_an_invoice_prints_all_requisites_in_russian():
    text = text_of(document(attention="Внимание! Оплата означает согласие с условиями."))
    for part in (
        "Внимание! Оплата означает согласие с условиями. Счет действителен до 30.11.2026.",
        "ПАО СБЕРБАНК г. Москва",
        "Банк получателя",
        "044525225",
        "30101810400000000225",
        "40702810138250123017",
        "КПП 770701001",
        "Получатель",
        "Счет на оплату № 145 от 23 ноября 2026 г.",
        "Поставщик: ООО «Автообзвон», ИНН 7707083893, КПП 770701001, 117312, г. Москва, ул. Вавилова, д. 19",
        "Покупатель: ИП Сидоров Сидор Сидорович, ИНН 500100732259, г. Одинцово, ул. Молодёжная, д. 1",
        "Основание: Договор-оферта № 12",
        "Товары (работы, услуги)",
        "Всего наименований 1, на сумму 29 200,00 руб.",
        "Двадцать девять тысяч двести рублей 00 копеек",
        "Руководитель Иванов И. И.",
        "Бухгалтер Петрова А. С.",
    ):
        assert part in text
    assert not re.search("[■□\ufffd]|None", text)


def test_a_payer_without_kpp_gets_nothing_in_its_place():
    text = text_of(document(seller=replace(SELLER, kpp="", inn="500100732259"), basis="", due_on=None))
    assert "КПП" not in text
    assert "Основание" not in text
    assert "действителен" not in text


@pytest.mark.parametrize(
    ("rates", "vat_mode", "row", "payable"),
    [
        ([22, 22, 22], "inside", "В том числе НДС 22%: 54,09", "300,00"),
        ([0, 0, 0], "inside", "В том числе НДС 0%: 0,00", "300,00"),
        ([22, 10, None], "inside", "В том числе НДС: 27,12", "300,00"),
        ([22, 22, 22], "on_top", "Сумма НДС: 66,00", "366,00"),
        ([None, None, None], "none", f"Без налога (НДС): {DASH}", "300,00"),
        ([None, None, None], "inside", f"Без налога (НДС): {DASH}", "300,00"),
    ],
)
def test_the_vat_row_says_what_the_rates_are(rates, vat_mode, row, payable):
    items = [InvoiceItem("Услуга", 1, "шт", 100, rate) for rate in rates]
    assert f"Итого: 300,00 {row} Всего к оплате: {payable}" in text_of(document(*items, vat_mode=vat_mode))


def test_an_old_invoice_prints_with_its_own_rate():
    line = InvoiceLine("Услуга", Decimal(1), "шт", Decimal(120), Decimal("120.00"), 20, Decimal("20.00"))
    doc = document(lines=(line,), totals=invoice_totals([line], "inside"))
    assert "В том числе НДС 20%: 20,00" in text_of(doc)


def test_many_lines_go_over_several_pages_with_the_header_repeated():
    printed = pages(pdf.invoice_pdf(document(*[InvoiceItem(f"Услуга-{n}.", n, "шт", 1) for n in range(1, 121)])))
    assert len(printed) > 2
    everything = " ".join(printed)
    assert all(f"Услуга-{n}." in everything for n in range(1, 121))
    assert all(("Товары (работы, услуги)" in page) == ("Услуга-" in page) for page in printed)
    assert "стр. 2" in printed[1]


@pytest.mark.parametrize("name", ["Ы" * 600, "W" * 500, "слово " * 1500, "ъ" * 6000])
def test_a_long_name_wraps_and_nothing_is_cut(name):
    data = pdf.invoice_pdf(document(InvoiceItem(name, 1, "шт", 1)))
    found = tight("".join(pages(data)))
    assert sum(found.count(letter) for letter in set(tight(name))) >= len(tight(name))
    width = pypdfium2.PdfDocument(data)[0].get_width()
    assert all(right <= width - 30 for right in right_edges(data))


def test_the_lines_between_rows_are_thinner_than_the_edge_of_the_table():
    items = [InvoiceItem(f"Услуга-{n}.", n, "шт", 1) for n in range(1, 5)]
    drawn = PdfReader(BytesIO(pdf.invoice_pdf(document(*items)))).pages[0].get_contents().get_data().decode("latin-1")
    thick, thin = (re.findall(rf"\n{width} w\n((?:n [^\n]+ S\n)+)", drawn) for width in (r"1\.4", r"\.6"))
    assert "".join(thick).count(" S\n") == 4
    assert "".join(thin).count(" S\n") > 20


def test_only_cells_of_more_than_words_get_a_frame_of_their_own(monkeypatch):
    framed = []
    draw = KeepInFrame.drawOn

    def listen(frame, *place, **more):
        framed.append(frame)
        draw(frame, *place, **more)

    monkeypatch.setattr(KeepInFrame, "drawOn", listen)
    pdf.invoice_pdf(document(InvoiceItem("Услуга", 1, "шт", 1), InvoiceItem("слово " * 50, 1, "шт", 1)))
    assert len(framed) == 3, "the payee with a caption below, the code, the long name"


def test_words_drawn_as_a_string_stand_where_the_renderer_puts_them(monkeypatch):
    names = ["Услуга", "Услуга связи, которая своими словами не помещается в строке и идёт дальше", "שלום Услуга"]
    doc = document(*[InvoiceItem(name, 1, "усл.", "1234567.80", 22) for name in names], basis="Договор")
    letters, edges = letters_of(pdf.invoice_pdf(doc))
    monkeypatch.setattr(pdf_drawing, "_few_words", lambda _node: False)
    assert letters_of(pdf.invoice_pdf(doc)) == (letters, pytest.approx(edges, abs=0.1))


def letters_of(data):
    """The letters of all pages, and the four edges of each in points; a space has no edges of its own."""
    letters, edges = [], []
    for page in pypdfium2.PdfDocument(data):
        textpage = page.get_textpage()
        for index in range(textpage.count_chars()):
            if (letter := textpage.get_text_range(index, 1)).strip():
                letters.append(letter)
                edges += textpage.get_charbox(index)
    return letters, edges


def right_edges(data):
    for page in pypdfium2.PdfDocument(data):
        textpage = page.get_textpage()
        for index in range(textpage.count_rects()):
            yield textpage.get_rect(index)[2]


HOSTILE = [
    "<b>жир</b><script>alert(1)</script>",
    '<img src="file:///etc/passwd">',
    '"><img src="http://127.0.0.1:1/x.png">',
    "<pdf:include src='/etc/passwd' /><link rel=stylesheet href=http://127.0.0.1:1/>",
    "<style>@import 'file:///etc/passwd'; body{font-family: Nope}</style>",
    "{{ 7*7 }}{% include '/etc/passwd' %}{{ config }}",
    "&lt;b&gt; &#65; &amp;",
    "]]><!-- --><?xml?>",
    "${7*7} #{7*7} [[${1}]]",
    "' OR 1=1; --",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_printed_as_text_in_every_field(name):
    doc = document(
        InvoiceItem(name, 1, name, 1),
        seller=replace(SELLER, name=name, address=name, bank_name=name, head=name, accountant=name),
        buyer=replace(BUYER, name=name, address=name),
        basis=name,
        attention=name,
        number=name[:20],
    )
    started = time.monotonic()
    found = tight(text_of(doc))
    assert time.monotonic() - started < 5
    assert found.count(tight(name)) >= 7
    assert "root:" not in found
    assert "49" not in re.sub(r"7\*7|\d{5,}", "", found)


def test_letters_that_our_font_lacks_do_not_cost_the_invoice():
    text = text_of(document(InvoiceItem("日本 😀 हिन्दी העברית \x00\x07\u202eконец", 1, "шт", 1)))
    assert "конец" in text


def test_the_qr_code_on_the_page_is_read_and_is_wide_enough():
    doc = document()
    page = pypdfium2.PdfDocument(pdf.invoice_pdf(doc))[0]
    found = zxingcpp.read_barcode(page.render(scale=150 / 72).to_pil())
    assert bytes(found.bytes) == pdf.invoice_qr(doc).encode()
    code = found.position
    assert (code.top_right.x - code.top_left.x) / 150 * 25.4 >= 25
    read = payment_qr.decode(bytes(found.bytes))
    assert (read.amount, read.payee_inn, read.bic) == (Decimal("29200.00"), "7707083893", "044525225")
    assert read.purpose == "Оплата по счету № 145 от 23.11.2026. В т.ч. НДС 22% 5265.57"


def test_long_names_are_cut_in_the_qr_code_only():
    long = "Общество с ограниченной ответственностью «" + "Три кита и слон " * 12 + "»"
    doc = document(seller=replace(SELLER, name=long, bank_name="Ф" * 80), purpose="П" * 400)
    assert tight(long) in tight(text_of(doc))
    assert len(payment_qr.decode(pdf.invoice_qr(doc)).purpose) == 210


def test_a_seller_without_correspondent_account_can_be_paid():
    doc = document(seller=replace(SELLER, correspondent_account=""))
    assert payment_qr.decode(pdf.invoice_qr(doc)).corresp_acc == "0"
    assert pdf.invoice_pdf(doc)


def test_our_fonts_are_there_by_name_in_both_weights():
    html = (
        '<html style="font-family: DejaVu"><body><p>Съешь <b>ещё</b> этих <i>мягких <b>булок</b></i></p></body></html>'
    )
    data = pdf.render_pdf(html)
    assert pages(data) == ["Съешь ещё этих мягких булок"]
    assert b"DejaVuSans-Bold" in data


FONT = '@font-face { font-family: X; src: url("%s"); } html, title, body { font-family: X }'


@pytest.mark.parametrize(
    "html",
    [
        "<p>Русский текст без шрифта</p>",
        "<style>" + FONT % "../../../templates/pdf/invoice.html" + "</style><p>Текст</p>",
        "<style>" + FONT % "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" + "</style><p>Текст</p>",
        '<img src="file:///etc/passwd">',
        '<img src="/etc/hostname">',
        '<img src="http://127.0.0.1:1/x.png">',
        '<img src="https://example.com/x.png">',
    ],
)
def test_a_document_that_reaches_outside_the_font_folder_fails_loudly(html):
    with pytest.raises(pdf.PdfError) as caught:
        pdf.render_pdf(html)
    assert caught.value.reason == "warnings"


@pytest.mark.parametrize(
    "html",
    [
        '<img src="%s">',
        '<link rel="stylesheet" href="%s">',
        '<style>@import "%s";</style>',
        '<style>@font-face { font-family: X; src: url("%s.ttf"); }</style>',
        '<style>@page { background-image: url("%s.png"); }</style>',
        '<p style="background-image: url(%s)">x</p>',
    ],
)
def test_a_document_never_opens_a_connection(html):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        with suppress(pdf.PdfError):
            pdf.render_pdf(html % f"http://127.0.0.1:{canary.getsockname()[1]}/x")
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_our_font_in_a_document_draws_russian():
    html = "<style>" + FONT % "DejaVuSans.ttf" + "</style><p>Съешь ещё этих мягких булок</p>"
    assert pages(pdf.render_pdf(html)) == ["Съешь ещё этих мягких булок"]


def test_the_file_name_is_russian_with_an_ascii_fallback():
    assert invoice_text.file_names("145", DAY) == ("Счет № 145 от 23.11.2026.pdf", "invoice-145-2026-11-23.pdf")
    assert invoice_text.file_names('А/1"\n..', DAY) == ("Счет № А-1- от 23.11.2026.pdf", "invoice-1-2026-11-23.pdf")


def test_the_day_has_no_leading_zero_in_words():
    assert invoice_text.title("7", date(2026, 5, 3)) == "Счет на оплату № 7 от 3 мая 2026 г."
