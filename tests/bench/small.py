"""Small works: hooks of a request, decisions, the check before a launch, an invoice as PDF, jobs, a worker's memory."""

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import sqlalchemy as sa
from flask import Flask
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from callcab import db
from callcab.db import CabSession
from callcab.lib import amount_words, invoice_text, money, payment_qr, pdf
from callcab.models import BlacklistEntry, Customer
from callcab.scope import Scope
from callcab.services import decision
from callcab.services.campaign.drafting import MOST_FROM_LISTS
from callcab.web.access import requires
from tests.bench import preflight
from tests.bench.batch import MILLION, allowed
from tests.bench.data import OWNER
from tests.bench.house import Beside, Errands, Place, cookie
from tests.bench.meter import cost, memory
from tests.bench.pages import Caller
from tests.bench.table import Row

HOOKS, DECIDED, PDF, PER_SECOND, FIRST, WORKER = 1.5, 0.5, 2.3, 90, 25.0, 90
SYSTEM = Scope.system("bench")


def hooks(at: Place) -> list[Row]:
    """An empty page for somebody who is signed in, less an empty page of bare Flask."""
    app, path = at.app(), "/cabinet/nothing"
    app.add_url_rule(path, "cabinet_nothing", requires("blacklist.read")(lambda: "nothing"))
    bare = Flask("bare")
    bare.add_url_rule(path, "nothing", lambda: "nothing")
    backends = at.backends()
    looks = at.looks or {"looks": 400, "seconds": 3.0}
    ours, least = (
        cost(Caller(app, path, cookie(app, OWNER)), backends, **looks),
        cost(Caller(bare, path), backends, **looks),
    )
    spent = ours.cpu - least.cpu
    text = f"CPU {ours.web:.2f} + {ours.base:.2f} ms"
    return [Row("hooks of a request", text, f"CPU {least.web:.2f} ms", None, f"≤ {HOOKS} ms more", spent <= HOOKS)]


def decisions(at: Place) -> list[Row]:
    """One number, on the list and not, against everything that forbids calls; asked as a worker does who is about to
    dial it, in a transaction that may write."""
    db.connect(at.app_url, pool_size=2)
    backends, now = at.backends(), datetime.now(UTC)
    with CabSession(bind=db.engine(), scope=SYSTEM) as session:
        first = session.scalar(sa.select(sa.func.min(Customer.id))) or 0
        listed = session.scalar(sa.select(BlacklistEntry.phone).where(BlacklistEntry.customer_id == first).limit(1))
        found = []
        for name, phone in (("a number on the blacklist", listed or 0), ("a number on no list", 79_260_000_001)):

            def go(phone: int = phone) -> decision.Decision:
                session.expire_all()
                return decision.decide(session, customer_id=first, phone=phone, campaign=None, now=now)

            spent = cost(go, backends, **at.looks)
            text = f"{spent.wall:.2f} ms; PostgreSQL {spent.base:.2f} ms"
            found.append(Row(f"decision: {name}", text, goal=f"≤ {DECIDED} ms of PostgreSQL", ok=spent.base <= DECIDED))
    return found


def launches(at: Place) -> list[Row]:
    """The check before a launch (preflight.py), in a database of its own."""
    entries = max(int(MILLION * at.scale), 100)
    contacts = min(entries, MOST_FROM_LISTS)
    made, looks = preflight.measure(at.app_url, contacts, entries)
    limit, full = allowed(5, contacts), allowed(10, contacts, 100_000)
    best = min(looks)
    name = f"campaign of {contacts:,} contacts"
    return [
        Row(f"{name} against a blacklist of {entries:,}", f"{best:.2f} s", goal=f"≤ {limit:.1f} s", ok=best <= limit),
        Row(
            f"{name}: made and checked before launch",
            f"{made:.2f} + {looks[0]:.2f} s",
            goal=f"≤ {full:.1f} s (100,000 in 10 s)",
            ok=made + looks[0] <= full,
        ),
    ]


def papers(at: Place) -> list[Row]:
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
    """The same sheet with lines and strings at fixed places."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4)
    seller, buyer, (plain, bold) = paper.seller, paper.buyer, pdf.FACES

    def write(x: float, y: float, text: Any, face: str = plain, size: float = 8.5) -> None:
        canvas.setFont(f"hand-{face}", size)
        canvas.drawString(x, y, str(text))

    for place, text in enumerate(
        (
            seller.bank_name,
            f"БИК {seller.bik}",
            f"Сч. № {seller.correspondent_account}",
            f"ИНН {seller.inn} КПП {seller.kpp}",
            f"Сч. № {seller.account}",
            seller.name,
            "Получатель",
        )
    ):
        write(56, 800 - 12 * place, text)
    canvas.rect(51, 720, 500, 92)
    write(51, 690, invoice_text.title(paper.number, paper.issued_on), bold, 14)
    canvas.line(51, 684, 551, 684)
    for place, side in enumerate((seller, buyer)):
        write(51, 665 - 18 * place, f"{side.name}, ИНН {side.inn}, КПП {side.kpp}, {side.address}")
    heads, columns = ("№", "Наименование", "Кол-во", "Ед.", "Цена", "Сумма"), (54, 75, 330, 375, 410, 480)
    for x, head in zip(columns, heads, strict=True):
        write(x, 620, head, bold)
    for place, line in enumerate(paper.lines, 1):
        y = 620 - 16 * place
        canvas.rect(51, y - 4, 500, 16)
        cells = (
            place,
            line.name,
            line.quantity,
            line.unit,
            money.format_amount(line.price),
            money.format_amount(line.amount),
        )
        for x, cell in zip(columns, cells, strict=True):
            write(x, y, cell)
    for place, text in enumerate(
        (
            f"Итого: {money.format_amount(paper.totals.amount)}",
            f"В том числе НДС: {money.format_amount(paper.totals.vat)}",
            f"Всего к оплате: {money.format_amount(paper.totals.payable)}",
        )
    ):
        write(400, 515 - 14 * place, text, bold)
    write(51, 465, amount_words.roubles(paper.totals.payable), bold)
    write(51, 430, f"Руководитель {seller.head}")
    write(300, 430, f"Бухгалтер {seller.accountant}")
    code = ImageReader(BytesIO(payment_qr.png(pdf.invoice_qr(paper), border=0)))
    canvas.drawImage(code, 51, 320, 85, 85)
    canvas.save()
    return out.getvalue()


def jobs(at: Place) -> list[Row]:
    """Jobs that look into the database and find nothing to do, through a real worker."""
    errands, many = Errands(at), 30 if at.short else 400
    with Beside(at, "worker") as worker:
        errands.run()
        firsts = []
        for _ in range(3 if at.short else 20):
            begun = time.perf_counter()
            errands.run(nap=0.0005)
            firsts.append(1000 * (time.perf_counter() - begun))
        keys = [errands.send() for _ in range(many)]
        left, begun = errands.waiting(), time.perf_counter()
        errands.wait(keys[-1], nap=0.002)
        rate = left / (time.perf_counter() - begun)
        held = [memory(pid) for pid in worker.pids]
    first, (largest, kind) = sorted(firsts)[len(firsts) // 2], max(held)
    return [
        Row("small jobs/s of a worker", f"{rate:.0f}", goal=f"≥ {PER_SECOND}", ok=rate >= PER_SECOND),
        Row("first result of a job", f"{first:.1f} ms", goal=f"≤ {FIRST:g} ms", ok=first <= FIRST),
        Row("memory of a worker", f"{largest:.0f} MB {kind}", goal=f"≤ {WORKER} MB", ok=largest <= WORKER),
    ]
