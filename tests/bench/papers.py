"""An invoice as PDF, beside the same sheet drawn by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from callcab.lib import amount_words, invoice_text, money, payment_qr, pdf
from tests.bench.house import Place
from tests.bench.meter import cost
from tests.bench.table import Row

PDF = 2.3


def rows(at: Place) -> list[Row]:
    """An invoice of five lines with its QR code, and the same drawn by hand."""
    paper = document()
    for face in pdf.FACES:
        pdfmetrics.registerFont(TTFont(f"hand-{face}", str(pdf.FONTS / face)))
    backends = at.backends()
    looks = at.looks or {"looks": 20, "seconds": 3.0}
    ours, least = cost(lambda: pdf.invoice_pdf(paper), backends, **looks), cost(lambda: drawn(paper), backends, **looks)
    ratio = ours.web / least.web
    text, by_hand = f"CPU {ours.web:.0f} ms", f"CPU {least.web:.0f} ms"
    return [Row("invoice as PDF, five lines, QR", text, by_hand, ratio, f"≤ {PDF} × by hand", ratio <= PDF)]


def document() -> pdf.InvoiceDocument:
    items = [
        money.InvoiceItem(f"Услуги связи, тариф «Базовый», часть {n}", n, "мин", Decimal("1.80"), 22)
        for n in range(1, 6)
    ]
    lines = money.invoice_lines(items, "inside")
    today = date(2026, 11, 29)
    return pdf.InvoiceDocument(
        number="2026-17",
        issued_on=today,
        seller=pdf.Seller(
            name="ООО «Колкаб»",
            inn="7707083893",
            kpp="770701001",
            address="г. Москва, ул. Тверская, д. 1",
            bank_name="ПАО СБЕРБАНК",
            bik="044525225",
            correspondent_account="30101810400000000225",
            account="40702810138250123017",
            head="Иванов И. И.",
            accountant="Петрова П. П.",
        ),
        buyer=pdf.Buyer(name="ООО «Ромашка»", inn="7702070139", kpp="770201001", address="г. Москва, ул. Ленина, д. 5"),
        lines=lines,
        vat_mode="inside",
        totals=money.invoice_totals(lines, "inside"),
        purpose=invoice_text.payment_purpose("2026-17", today, lines, "inside"),
        due_on=today + timedelta(days=7),
        basis="Договор № 1",
    )


def drawn(paper: pdf.InvoiceDocument) -> bytes:
    """The same sheet, every word and line of it, at fixed places."""
    out = BytesIO()
    hand = Hand(Canvas(out, pagesize=A4))
    head(hand, paper)
    table(hand, paper)
    foot(hand, paper)
    hand.canvas.save()
    return out.getvalue()


@dataclass
class Hand:
    """Writes and rules; ``right`` is where the text ends."""

    canvas: Canvas

    def write(self, x: float, y: float, text: Any, size: float = 8.5, *, bold: bool = False) -> None:
        self.canvas.setFont(f"hand-{pdf.FACES[bold]}", size)
        self.canvas.drawString(x, y, str(text))

    def right(self, x: float, y: float, text: Any, *, bold: bool = False) -> None:
        self.canvas.setFont(f"hand-{pdf.FACES[bold]}", 8.5)
        self.canvas.drawRightString(x, y, str(text))

    def grid(self, xs: Sequence[float], ys: Sequence[float], width: float = 0.6) -> None:
        self.canvas.setLineWidth(width)
        self.canvas.grid(xs, ys)


def head(hand: Hand, paper: pdf.InvoiceDocument) -> None:
    """What to heed, the bank, the title, the parties."""
    seller, buyer = paper.seller, paper.buyer
    assert paper.due_on is not None
    hand.write(215, 800, f"Счет действителен до {invoice_text.short_date(paper.due_on)}.", 7.5)
    hand.grid((51, 324, 369, 556), (717, 749, 783))
    hand.grid((324, 369), (717, 733, 749, 765, 783))
    hand.grid((51, 187, 324), (734, 749))
    for x, y, text in (
        (55, 771, seller.bank_name),
        (328, 771, "БИК"),
        (373, 771, seller.bik),
        (328, 755, "Сч. №"),
        (373, 755, seller.correspondent_account),
        (55, 738, f"ИНН {seller.inn}"),
        (191, 738, f"КПП {seller.kpp}"),
        (328, 738, "Сч. №"),
        (373, 738, seller.account),
        (55, 727, seller.name),
    ):
        hand.write(x, y, text)
    hand.write(55, 754, "Банк получателя", 7)
    hand.write(55, 719, "Получатель", 7)
    hand.write(51, 690, invoice_text.title(paper.number, paper.issued_on), 14, bold=True)
    hand.grid((51, 556), (684, 684), 1.6)
    for place, (name, side) in enumerate((("Поставщик:", seller), ("Покупатель:", buyer))):
        hand.write(51, 668 - 17 * place, name, bold=True)
        text = f"{side.name}, ИНН {side.inn}, КПП {side.kpp}, {side.address}"
        hand.write(127, 668 - 17 * place, text, bold=True)
    hand.write(51, 634, "Основание:", bold=True)
    hand.write(127, 634, paper.basis, bold=True)


def table(hand: Hand, paper: pdf.InvoiceDocument) -> None:
    """The lines, their totals and the sum in words."""
    columns = (51, 81, 288, 334, 374, 460, 556)
    heads = ("№", "Товары (работы, услуги)", "Кол-во", "Ед.", "Цена", "Сумма")
    for x, text in zip(columns, heads, strict=False):
        hand.write(x + 4, 610, text, bold=True)
    for place, line in enumerate(paper.lines, 1):
        y = 610 - 17 * place
        for x, left in ((55, place), (84, line.name), (340, line.unit)):
            hand.write(x, y, left)
        amounts = (
            money.format_number(line.quantity),
            money.format_amount(line.price),
            money.format_amount(line.amount),
        )
        for x, text in zip((331, 457, 553), amounts, strict=True):
            hand.right(x, y, text)
    bottom = 604 - 17 * len(paper.lines)
    hand.grid(columns, [bottom + 17 * step for step in range(len(paper.lines) + 2)])
    hand.grid((51, 556), (bottom, 621), 1.4)
    label, vat = invoice_text.vat_row(paper.lines, paper.vat_mode, paper.totals)
    payable = money.format_amount(paper.totals.payable)
    totals = (("Итого:", money.format_amount(paper.totals.amount)), (label, vat), ("Всего к оплате:", payable))
    for place, (name, text) in enumerate(totals):
        hand.right(401, 505 - 14 * place, name, bold=True)
        hand.right(553, 505 - 14 * place, text, bold=True)
    hand.write(51, 458, f"Всего наименований {len(paper.lines)}, на сумму {payable} руб.")
    hand.write(51, 447, amount_words.roubles(paper.totals.payable), bold=True)


def foot(hand: Hand, paper: pdf.InvoiceDocument) -> None:
    """Who signs, the code, the page's number."""
    hand.grid((51, 556), (438, 438), 1.6)
    for y, role, name in ((408, "Руководитель", paper.seller.head), (376, "Бухгалтер", paper.seller.accountant)):
        hand.write(51, y, role, bold=True)
        hand.grid((132, 243), (y - 3, y - 3))
        hand.write(248, y, name)
    code = ImageReader(BytesIO(payment_qr.png(pdf.invoice_qr(paper), border=0)))
    hand.canvas.drawImage(code, 442, 340, 85, 85)
    hand.write(450, 330, "Оплата по QR-коду", 6.5)
    hand.write(450, 321, "в приложении банка", 6.5)
    hand.write(400, 30, f"{invoice_text.title(paper.number, paper.issued_on)} · стр. 1", 6.5)
