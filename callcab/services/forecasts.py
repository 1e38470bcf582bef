"""What actions on many rows would do, section by section: what each service refuses, said as SQL.

Those of numbers are in ``phone_number.forecasts``. A test carries each action out and counts what it did.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import clock
from callcab.models import (
    ApiToken,
    AudioRecording,
    BlacklistEntry,
    CallbackRequest,
    CallbackState,
    Campaign,
    CampaignState,
    ContactList,
    Customer,
    CustomerStatus,
    ExportSchedule,
    Invoice,
    InvoiceState,
    IpDenial,
    MailMessage,
    MailState,
    Payment,
    PromoBatch,
    PromoState,
    User,
    UserStatus,
)
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import cell
from callcab.services.blacklist import LONGEST_REASON
from callcab.services.operation import Rules

# Customers and their people


def calling(ids: sa.Select[Any]) -> sa.Select[str, CampaignState]:
    """The campaigns of these customers that call or wait to."""
    going_on = Campaign.state.in_((CampaignState.RUNNING, CampaignState.WAITING))
    return sa.select(Campaign.name, Campaign.state).where(going_on, Campaign.customer_id.in_(ids))


def block_customers() -> Rules:
    blocked = Customer.status == CustomerStatus.BLOCKED
    return Rules(
        [("customer.is_blocked", blocked)],
        now=Customer.status,
        then=CustomerStatus.BLOCKED,
        campaigns=calling,
        at_once=True,
    )


def unblock_customers() -> Rules:
    active = Customer.status != CustomerStatus.BLOCKED
    return Rules([("customer.not_blocked", active)], now=Customer.status, then=CustomerStatus.ACTIVE, at_once=True)


def _guarded(rows: sa.Select[Any], actor: Actor) -> list[tuple[str, sa.ColumnElement[bool]]]:
    """Nobody oneself; and of those who hold the first role, the last one stays."""
    chosen = rows.with_only_columns(User.id).order_by(None)
    other = orm.aliased(User)
    first = sa.case((User.customer_id.is_(None), "admin"), else_="owner")
    holds = sa.and_(User.role == first, User.status == UserStatus.ACTIVE)
    left = sa.exists().where(
        other.customer_id.is_not_distinct_from(User.customer_id),
        other.role == User.role,
        other.status == UserStatus.ACTIVE,
        # Done in the order of the ids: whoever comes later, or is not chosen, holds it still.
        sa.or_(other.id > User.id, other.id.not_in(chosen)),
        other.id != User.id,
    )
    last = sa.case((User.customer_id.is_(None), "user.last_admin"), else_="user.last_owner")
    found = [("user.self", User.id == actor.user_id)]
    found += [(code, sa.and_(holds, ~left, last == code)) for code in ("user.last_admin", "user.last_owner")]
    return found


def change_role(rows: sa.Select[Any], role: str, actor: Actor) -> Rules:
    same = User.role == role
    refusals = [(code, sa.and_(~same, when)) for code, when in _guarded(rows, actor)]
    return Rules(refusals, now=User.role, then=role, at_once=True)


def disable_people(rows: sa.Select[Any], actor: Actor) -> Rules:
    return Rules(_guarded(rows, actor), now=User.status, then=UserStatus.DISABLED, at_once=True)


def enable_people() -> Rules:
    return Rules(now=User.status, then=UserStatus.ACTIVE)


def revoke_tokens() -> Rules:
    return Rules([("token.not_found", ApiToken.revoked_at.is_not(None))], at_once=True)


def open_doors() -> Rules:
    ours = IpDenial.customer_id.is_(None)
    again = sa.func.row_number().over(partition_by=IpDenial.customer_id, order_by=IpDenial.id) > 1
    return Rules([("ip.staff_door", ours)], same=again)


# Money


def cancel_invoices() -> Rules:
    refusals = [
        ("invoice.cancelled", Invoice.state == InvoiceState.CANCELLED),
        ("invoice.has_money", Invoice.paid_total > 0),
    ]
    sums = {"money": Invoice.total}
    return Rules(refusals, now=Invoice.state, then=InvoiceState.CANCELLED, sums=sums, at_once=True)


def pay_invoices() -> Rules:
    refusals = [
        ("invoice.cancelled", Invoice.state == InvoiceState.CANCELLED),
        ("invoice.paid", Invoice.state == InvoiceState.PAID),
    ]
    sums = {"money": Invoice.total - Invoice.paid_total}
    return Rules(refusals, now=Invoice.state, then=InvoiceState.PAID, sums=sums, at_once=True)


def send_invoices() -> Rules:
    return Rules([("invoice.cancelled", Invoice.state == InvoiceState.CANCELLED)], sums={"money": Invoice.total})


def reverse_payments() -> Rules:
    """Each customer's payments go one after another, so his money has to last for all up to the row."""
    other = orm.aliased(Payment)
    needed = sa.func.sum(Payment.amount).over(partition_by=Payment.customer_id, order_by=Payment.id)
    available = (
        sa.select(Customer.balance - Customer.reserved + Customer.credit_limit)
        .where(Customer.id == Payment.customer_id)
        .correlate(Payment)
        .scalar_subquery()
    )
    refusals = [
        ("payment.is_reversal", Payment.reverses_id.is_not(None)),
        ("payment.already_reversed", sa.exists().where(other.reverses_id == Payment.id)),
        ("balance.low", sa.and_(Payment.amount > 0, needed > available)),
    ]
    return Rules(refusals, sums={"money": -Payment.amount}, at_once=True)


def credit(amount: Decimal) -> Rules:
    available = Customer.balance - Customer.reserved + Customer.credit_limit
    refusals = [("balance.low", available + amount < 0)] if amount < 0 else []
    return Rules(refusals, sums={"money": sa.literal(amount, Customer.balance.type)}, at_once=True)


def switch_promos(state: PromoState) -> Rules:
    return Rules([("promo.state", PromoBatch.state == state)], now=PromoBatch.state, then=state, at_once=True)


# Lists of numbers


def _of_platform(actor: Actor) -> list[tuple[str, sa.ColumnElement[bool]]]:
    """A reason is asked of support, so what is left to refuse is who may not decide for all customers."""
    forbidden = not allowed(actor.role, "blacklist.platform")
    return [("forbidden", BlacklistEntry.customer_id.is_(None))] if forbidden else []


def delete_blocks(actor: Actor) -> Rules:
    return Rules(_of_platform(actor))


def change_reasons(actor: Actor, reason: str | None) -> Rules:
    """``reason`` None: it is not known yet."""
    same = None if reason is None else BlacklistEntry.reason == cell.one_line(reason, LONGEST_REASON)
    return Rules(_of_platform(actor), same=same, at_once=True)


def to_platform() -> Rules:
    """New is a number that a customer has and the platform has not; each counts once."""
    other = orm.aliased(BlacklistEntry)
    in_force = sa.or_(other.expires_at.is_(None), other.expires_at > clock.now())
    there = sa.exists().where(other.customer_id.is_(None), other.phone == BlacklistEntry.phone, in_force)
    platform = BlacklistEntry.customer_id.is_(None)
    again = sa.func.row_number().over(partition_by=(BlacklistEntry.phone, platform), order_by=BlacklistEntry.id) > 1
    return Rules(same=sa.or_(platform, again, there))


def delete_lists() -> Rules:
    return Rules(sums={"entries": ContactList.entries})


def everything() -> Rules:
    """Nothing is refused."""
    return Rules()


# Letters, recordings, requests


def retry_letters() -> Rules:
    lost = sa.or_(MailMessage.state != MailState.FAILED, MailMessage.text == "")
    return Rules([("mail.not_failed", lost)], now=MailMessage.state, then=MailState.QUEUED, at_once=True)


def _of_others(actor: Actor) -> list[tuple[str, sa.ColumnElement[bool]]]:
    others = ExportSchedule.owner_id != actor.user_id
    return [] if allowed(actor.role, "view.share") else [("forbidden", others)]


def switch_schedules(actor: Actor, *, paused: bool) -> Rules:
    return Rules(_of_others(actor), now=ExportSchedule.paused, then=paused, at_once=True)


def delete_schedules(actor: Actor) -> Rules:
    return Rules(_of_others(actor), at_once=True)


def delete_recordings() -> Rules:
    used = sa.exists().where(Campaign.recording_id == AudioRecording.id)
    return Rules([("audio_recording.in_use", used)], at_once=True)


def move_requests(state: CallbackState) -> Rules:
    return Rules(now=CallbackRequest.state, then=state)
