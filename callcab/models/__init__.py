"""Entities: columns, constraints and relationships, one entity one file. Importing this registers all of them."""

from callcab.models.api_token import ApiToken
from callcab.models.audio_recording import AudioRecording
from callcab.models.audit_event import AuditEvent
from callcab.models.blacklist import BlacklistEntry, BlacklistSource
from callcab.models.call import Call, CallEvent, CallState, DialRate, Outcome
from callcab.models.callback_request import CallbackRequest, CallbackState
from callcab.models.campaign import (
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    IvrAction,
    IvrRule,
    MachineAction,
    Purpose,
)
from callcab.models.company import Company
from callcab.models.contact_list import ContactList, ListEntry
from callcab.models.customer import Customer, CustomerStatus
from callcab.models.export_schedule import ExportSchedule, Period
from callcab.models.inbound_call import InboundAction, InboundCall
from callcab.models.invoice import Invoice, InvoiceLine, InvoiceState
from callcab.models.ip_denial import Door, IpDenial
from callcab.models.ip_rule import IpRule
from callcab.models.ledger import Account, EntryKind, LedgerEntry, Reservation, ReservationState
from callcab.models.ledger_check import LedgerCheck
from callcab.models.login_event import LoginEvent, LoginOutcome
from callcab.models.mail_message import MailMessage, MailState
from callcab.models.note import Note
from callcab.models.operation import Operation, OperationKind, OperationRow, OperationState, RowOutcome, UndoChunk
from callcab.models.payment import Payment, PaymentKind, PaymentMethod
from callcab.models.phone_number import (
    NumberDay,
    NumberEvent,
    NumberHealth,
    NumberKind,
    NumberLease,
    NumberRental,
    NumberState,
    PhoneNumber,
)
from callcab.models.promo import PromoActivation, PromoAttempt, PromoBatch, PromoCode, PromoState
from callcab.models.row_total import RowTotal
from callcab.models.saved_view import SavedView
from callcab.models.seller import InvoiceCounter, Seller, VatMode
from callcab.models.session_record import SessionRecord
from callcab.models.stored_file import StoredFile
from callcab.models.tariff import Tariff
from callcab.models.user import User, UserStatus
from callcab.models.verification import Verification, VerificationState

__all__ = [
    "Account",
    "ApiToken",
    "AudioRecording",
    "AuditEvent",
    "BlacklistEntry",
    "BlacklistSource",
    "Call",
    "CallEvent",
    "CallState",
    "CallbackRequest",
    "CallbackState",
    "Campaign",
    "CampaignState",
    "Company",
    "Contact",
    "ContactList",
    "ContactState",
    "Customer",
    "CustomerStatus",
    "DialRate",
    "Door",
    "EntryKind",
    "InboundAction",
    "ExportSchedule",
    "InboundCall",
    "Invoice",
    "InvoiceCounter",
    "InvoiceLine",
    "InvoiceState",
    "IpDenial",
    "IpRule",
    "IvrAction",
    "IvrRule",
    "LedgerCheck",
    "LedgerEntry",
    "ListEntry",
    "LoginEvent",
    "LoginOutcome",
    "MachineAction",
    "MailMessage",
    "MailState",
    "Note",
    "NumberDay",
    "NumberEvent",
    "NumberHealth",
    "NumberKind",
    "NumberLease",
    "NumberRental",
    "NumberState",
    "Operation",
    "OperationKind",
    "OperationRow",
    "OperationState",
    "Outcome",
    "Payment",
    "PaymentKind",
    "PaymentMethod",
    "Period",
    "PhoneNumber",
    "PromoActivation",
    "PromoAttempt",
    "PromoBatch",
    "PromoCode",
    "PromoState",
    "Purpose",
    "Reservation",
    "ReservationState",
    "RowOutcome",
    "RowTotal",
    "SavedView",
    "Seller",
    "SessionRecord",
    "StoredFile",
    "Tariff",
    "UndoChunk",
    "User",
    "UserStatus",
    "Verification",
    "VerificationState",
    "VatMode",
]
