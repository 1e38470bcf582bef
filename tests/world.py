"""Two customers with a row in every table; what belongs to the stranger carries a mark that can be found in bytes."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from callcab import models as m
from callcab.db import CabSession, unit_of_work
from callcab.lib import clock, tokens
from callcab.models.call import CallState
from callcab.models.operation import OperationKind, OperationState
from callcab.scope import Scope
from callcab.services import stored_file
from tests import factories
from tests.people import People

MARK = "ЧужаяМетка"
# The stranger's numbers, sums and requisites: nothing of ours looks like them, in any spelling.
FOREIGN_PHONE = 79995550123
FOREIGN_AMOUNT = Decimal("7777.77")
FOREIGN_INN = "500100732259"
SELLER = (
    "name",
    "inn",
    "kpp",
    "ogrn",
    "address",
    "bank_name",
    "bik",
    "corr_account",
    "account",
    "head",
    "accountant",
    "attention",
)
LEAKS = (MARK, "999)555-01-23", "9995550123", "7 777,77", "7777.77", FOREIGN_INN, "198.51.100.77")


@dataclass(frozen=True)
class Taste:
    """How the rows of one customer look."""

    mark: str
    phone: int
    amount: Decimal
    inn: str
    address: str


MINE = Taste("Моя", 79251110000, Decimal("100.00"), "7707083893", "127.0.0.9")
FOREIGN = Taste(MARK, FOREIGN_PHONE, FOREIGN_AMOUNT, FOREIGN_INN, "198.51.100.77")


def fill(people: People) -> None:
    """Give both customers a row in each table; committed."""
    with unit_of_work(Scope.system("test world")) as session:
        seller = factories.seller(session)
        for customer_id, taste, user in (
            (people.customer_id, MINE, "olga"),
            (people.other_id, FOREIGN, "stranger"),
        ):
            user_id = session.scalars(sa.select(m.User.id).where(m.User.email == people.emails[user])).one()
            _fill_one(session, customer_id, user_id, seller, taste)


def _fill_one(session: CabSession, customer_id: int, user_id: int, seller: m.Seller, taste: Taste) -> None:
    def add(row: Any) -> Any:
        row.customer_id = customer_id
        return factories.add(session, row)

    _money(session, add, customer_id, user_id, seller, taste)
    _telephony(session, add, user_id, taste)
    _access(add, user_id, taste)


def _money(session: CabSession, add: Any, customer_id: int, user_id: int, seller: m.Seller, taste: Taste) -> None:
    invoice = add(_invoice(seller, taste))
    add(
        m.InvoiceLine(
            invoice_id=invoice.id,
            position=1,
            name=taste.mark,
            quantity=Decimal(1),
            price=taste.amount,
            total=taste.amount,
        )
    )
    add(m.Company(inn=taste.inn, name=taste.mark))
    session.execute(
        sa.update(m.Customer)
        .where(m.Customer.id == customer_id)
        .values(balance=m.Customer.balance + taste.amount, reserved=taste.amount)
    )
    entry = add(
        m.LedgerEntry(
            kind=m.EntryKind.PAYMENT,
            account=m.Account.BANK,
            amount=taste.amount,
            balance_after=taste.amount,
            idempotency_key=f"world:{customer_id}",
            cause="payment",
        )
    )
    add(
        m.Reservation(
            amount=taste.amount,
            idempotency_key=f"world:{customer_id}",
            cause="call",
            expires_at=clock.now() + timedelta(days=1),
        )
    )
    add(
        m.Payment(
            kind=m.PaymentKind.CREDIT,
            method=m.PaymentMethod.CARD,
            amount=taste.amount,
            tariff_name=taste.mark,
            reason=taste.mark,
            ledger_entry_id=entry.id,
        )
    )
    code = factories.promo_code(session, code=f"WORLD{customer_id}", name=taste.mark)
    add(m.PromoActivation(code_id=code.id, code=code.code, amount=taste.amount, ledger_entry_id=entry.id))
    add(m.PromoAttempt(reason="promo.not_found"))


def _invoice(seller: m.Seller, taste: Taste) -> m.Invoice:
    today = date(2026, 11, 1)
    return m.Invoice(
        seller_id=seller.id,
        year=2026,
        number=7 if taste is MINE else 8,
        issued_on=today,
        due_on=today,
        seller={name: getattr(seller, name) for name in SELLER},
        buyer={"name": taste.mark, "inn": taste.inn, "kpp": "", "ogrn": "", "address": "", "head": ""},
        buyer_inn=taste.inn,
        basis=taste.mark,
        vat_mode=m.VatMode.INSIDE,
        total=taste.amount,
        vat_total=Decimal("1.00"),
        request_key=f"world-{taste.phone}",
    )


def _telephony(session: CabSession, add: Any, user_id: int, taste: Taste) -> None:
    now = clock.now()
    number = add(
        m.PhoneNumber(phone=taste.phone, kind=m.NumberKind.PERSONAL, state=m.NumberState.VERIFIED, note=taste.mark)
    )
    rented = add(
        m.PhoneNumber(
            phone=taste.phone + 1,
            kind=m.NumberKind.SHARED,
            state=m.NumberState.FREE,
            rented_until=now + timedelta(days=9),
            note=taste.mark,
        )
    )
    add(m.NumberRental(number_id=rented.id, period=Range(now, now + timedelta(days=9)), price=taste.amount))
    add(m.NumberEvent(number_id=number.id, kind="created", actor=taste.mark))
    check = add(
        m.Verification(
            number_id=number.id,
            phone=taste.phone,
            attempt=1,
            state="verified",
            outcome="verified",
            deadline_at=now,
            finished_at=now,
            reason=taste.mark,
        )
    )
    campaign = add(m.Campaign(name=taste.mark, purpose=m.Purpose.INFORMATION, prompt=taste.mark))
    add(m.IvrRule(campaign_id=campaign.id, digit="1", action=m.IvrAction.TRANSFER, transfer_to=taste.phone))
    add(m.IvrRule(campaign_id=campaign.id, digit="9", action=m.IvrAction.BLACKLIST, prompt=taste.mark))
    add(m.NumberLease(number_id=rented.id, campaign_id=campaign.id, taken_at=now, released_at=now))
    sound = add(_sound_file(taste))
    recording = add(m.AudioRecording(name=taste.mark, file_id=sound.id, seconds=1, author_name=taste.mark))
    add(m.Campaign(name=taste.mark, purpose=m.Purpose.INFORMATION, prompt="", recording_id=recording.id))
    listed = add(m.ContactList(name=taste.mark, variables=[taste.mark], entries=1))
    add(m.ListEntry(contact_list_id=listed.id, phone=taste.phone, variables={taste.mark: taste.mark}))
    contact = add(m.Contact(campaign_id=campaign.id, phone=taste.phone, next_at=now))
    call = add(
        m.Call(
            campaign_id=campaign.id,
            contact_id=contact.id,
            attempt=1,
            phone=taste.phone,
            from_phone=taste.phone,
            state=CallState.FINISHED,
            outcome=m.Outcome.COMPLETED,
            decision=[],
            ended_at=now,
            deadline_at=now,
            cost=taste.amount,
        )
    )
    add(m.CallbackRequest(campaign_id=campaign.id, call_id=call.id, phone=taste.phone))
    add(
        m.CallEvent(
            call_id=call.id,
            provider_ref=f"w{taste.phone}",
            event_key="1",
            kind="ended",
            at=now,
            data={"note": taste.mark},
        )
    )
    came = add(
        m.InboundCall(
            provider_ref=f"i{taste.phone}",
            phone=taste.phone,
            to_phone=taste.phone,
            campaign_id=campaign.id,
            action=m.InboundAction.MENU,
            code="inbound.last_campaign",
            outcome=m.Outcome.COMPLETED,
            ended_at=now,
            deadline_at=now,
        )
    )
    add(m.CallEvent(inbound_call_id=came.id, provider_ref=f"i{taste.phone}", event_key="1", kind="ended", at=now))
    add(m.CallEvent(verification_id=check.id, provider_ref=f"v{taste.phone}", event_key="1", kind="ended", at=now))
    add(
        m.BlacklistEntry(
            phone=taste.phone,
            source=m.BlacklistSource.HAND,
            reason=taste.mark,
            author_id=user_id,
            author_name=taste.mark,
        )
    )


def _sound_file(taste: Taste) -> m.StoredFile:
    return m.StoredFile(
        key=stored_file.storage().put(BytesIO(taste.mark.encode())).key,
        name=f"{taste.mark}.wav",
        content_type="audio/wav",
        size=1,
        sha256="0" * 64,
    )


def _access(add: Any, user_id: int, taste: Taste) -> None:
    now = clock.now()
    file = add(
        m.StoredFile(
            key=stored_file.storage().put(BytesIO(taste.mark.encode())).key,
            name=f"{taste.mark}.csv",
            content_type="text/csv",
            size=1,
            sha256="0" * 64,
            expires_at=now + timedelta(days=1),
            created_by=user_id,
        )
    )
    work = add(
        m.Operation(
            kind=OperationKind.EXPORT,
            name="blacklist.export",
            spec_name="blacklist",
            params={"note": taste.mark},
            state=OperationState.DONE,
            actor_id=user_id,
            actor_name=taste.mark,
            actor_is_staff=False,
            output_file_id=file.id,
            heartbeat_at=now,
            finished_at=now,
        )
    )
    add(m.OperationRow(operation_id=work.id, position=1, outcome=m.RowOutcome.FAILED, text=taste.mark))
    view = add(m.SavedView(list_name="blacklist", name=taste.mark, query=[["sort", "phone"]], owner_id=user_id))
    add(
        m.ExportSchedule(
            saved_view_id=view.id, owner_id=user_id, period=m.Period.DAILY, hour=9, params={}, next_at=now, paused=True
        )
    )
    kept = {"id": 1, "reason": taste.mark}
    add(m.UndoChunk(operation_id=work.id, table_name="blacklist_entry", first_id=1, size=1, rows=[kept]))
    if taste is FOREIGN:  # a rule of ours would shut our own browser out
        add(m.IpRule(network=f"{taste.address}/32", note=taste.mark))
        add(m.IpRule(network="127.0.0.0/8", note=taste.mark))
    add(m.IpDenial(user_id=user_id, address=taste.address, door=m.Door.CABINET, agent=taste.mark))
    add(
        m.ApiToken(
            name=taste.mark,
            prefix=f"w{taste.phone}"[:12],
            token_hash=tokens.token_hash(taste.mark),
            scopes=["read"],
            created_by=user_id,
        )
    )
    add(m.LoginEvent(user_id=user_id, outcome=m.LoginOutcome.SUCCESS, address=taste.address, agent=taste.mark))
    add(
        m.MailMessage(
            recipient=f"{taste.phone}@example.org",
            kind="test",
            subject=taste.mark,
            text=taste.mark,
            next_at=now,
            state=m.MailState.SENT,
            sent_at=now,
        )
    )
    add(
        m.AuditEvent(
            actor_name=taste.mark, actor_role="agent", action="test.made", object_type="test", reason=taste.mark
        )
    )
    add(
        m.SessionRecord(
            user_id=user_id,
            token_hash=tokens.token_hash(f"s{taste.phone}"),
            address=taste.address,
            agent=taste.mark,
            last_seen_at=now,
            expires_at=now,
        )
    )
