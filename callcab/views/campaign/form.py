"""The form of a new campaign, and its way into a draft."""

import uuid
from typing import Any

import sqlalchemy as sa
from wtforms import (
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    validators,
)
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget, TextInput

from callcab.lib.errors import Invalid
from callcab.models import AudioRecording, ContactList, NumberKind, NumberState, PhoneNumber, Purpose
from callcab.providers import telephony
from callcab.services.audio_recording import MOST
from callcab.services.campaign import Draft
from callcab.services.campaign.drafting import ATTEMPTS, LONGEST_TEXT
from callcab.services.campaign.schedule import LINES
from callcab.services.ivr_rule import LONGEST_PROMPT
from callcab.views.campaign.menu_form import MenuForm, read_menu
from callcab.views.campaign.schedule_form import ScheduleForm, offer_machines
from callcab.web import telephony_words as words
from callcab.web.formatters import duration, number, phone
from callcab.web.language import lazy_gettext as _l


def _clock_field(label: Any, **options: Any) -> TimeField:
    """A time that is typed: the browser's own field would show it in the browser's language, 08:00 PM (rule U20)."""
    words_of_field = {"placeholder": _l("ЧЧ:ММ"), "inputmode": "numeric", "maxlength": 5}
    return TimeField(
        label, [validators.InputRequired()], format="%H:%M", widget=TextInput(), render_kw=words_of_field, **options
    )


class CampaignForm(ScheduleForm):
    name = StringField(_l("Название"), [validators.InputRequired(), validators.Length(max=120)])
    purpose = RadioField(
        _l("Цель звонков"),
        choices=[(purpose.value, text) for purpose, text in words.PURPOSES.items()],
        default=Purpose.INFORMATION.value,
    )
    consent_note = TextAreaField(
        _l("Согласие абонентов"),
        description=_l(
            "Нужно для рекламы: где и когда абоненты согласились на звонки. Без согласия реклама роботом запрещена."
        ),
        render_kw={"rows": 2, "maxlength": 1000},
    )
    message = RadioField(
        _l("Что услышит человек"),
        choices=[("text", _l("Текст, его скажет робот")), ("recording", _l("Аудиозапись"))],
        default="text",
    )
    recording_id = SelectField(
        _l("Аудиозапись"),
        coerce=lambda value: int(value) if value else None,
        description=_l("Новую загрузите в разделе «Аудиозаписи»."),
    )
    prompt = TextAreaField(
        _l("Что говорит робот"),
        [validators.Length(max=LONGEST_PROMPT)],
        default=_l("Здравствуйте! … Чтобы больше не получать звонки, нажмите девять."),
        render_kw={"rows": 4},
        description=_l("Переменные списка контактов пишите в фигурных скобках: {имя}. Робот скажет их каждому свои."),
    )
    lists = SelectMultipleField(
        _l("Списки контактов"),
        coerce=int,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    contacts = TextAreaField(
        _l("Номера"),
        [validators.Length(max=LONGEST_TEXT)],
        description=_l("Выберите списки, вставьте номера или и то и другое. По одному в строке, повторы уберём сами."),
        render_kw={"rows": 8},
    )
    calls_from = _clock_field(_l("Звонить с"))
    calls_until = _clock_field(_l("до"), description=_l("По времени абонента."))
    lines = IntegerField(_l("Линий сразу"), [validators.InputRequired(), validators.NumberRange(*LINES)], default=5)
    max_attempts = IntegerField(
        _l("Попыток на номер"), [validators.InputRequired(), validators.NumberRange(*ATTEMPTS)], default=2
    )
    own_number_id = SelectField(_l("С какого номера"), coerce=lambda value: int(value) if value else None)
    request_key = HiddenField(widget=HiddenInput())


def make_form(session: Any, sent: Any = None, *, list_id: int | None = None) -> CampaignForm:
    """The form with the customer's choice of numbers and lists; defaults on the first look, ``list_id`` chosen."""
    form = CampaignForm(sent or None)
    form.lists.choices = own_lists(session)
    form.recording_id.choices = [("", _l("Выберите")), *own_recordings(session)]
    form.own_number_id.choices = [("", _l("Любой свободный общий номер")), *own_numbers(session)]
    offer_machines(form, detected=not telephony.provider().unsupported((), detect_machine=True))
    if not sent:
        form.lists.data = [list_id] if list_id else []
        form.calls_from.process_data(Draft.calls_from)
        form.calls_until.process_data(Draft.calls_until)
        form.request_key.data = uuid.uuid4().hex
    return form


def own_lists(session: Any) -> list[tuple[int, str]]:
    """Lists that have numbers, the newest first, by the session's scope."""
    found = session.scalars(
        sa.select(ContactList).where(ContactList.entries > 0).order_by(ContactList.id.desc()).limit(100)
    )
    return [(row.id, f"{row.name} — {number(row.entries)}") for row in found]


def own_recordings(session: Any) -> list[tuple[str, str]]:
    """Recordings with their lengths, the newest first, by the session's scope."""
    found = session.scalars(sa.select(AudioRecording).order_by(AudioRecording.id.desc()).limit(MOST))
    return [(str(row.id), f"{row.name} — {duration(row.seconds)}") for row in found]


def own_numbers(session: Any) -> list[tuple[str, str]]:
    """Numbers that may be chosen: proved personal ones, rented and duty ones, by the session's scope."""
    usable = sa.or_(
        sa.and_(PhoneNumber.kind == NumberKind.PERSONAL, PhoneNumber.state == NumberState.VERIFIED),
        sa.and_(PhoneNumber.kind == NumberKind.DUTY, PhoneNumber.state == NumberState.FREE),
        sa.and_(PhoneNumber.rented_until.is_not(None), PhoneNumber.state != NumberState.BLOCKED),
    )
    found = session.scalars(sa.select(PhoneNumber).where(usable).order_by(PhoneNumber.kind, PhoneNumber.id).limit(200))
    return [(str(item.id), f"{phone(item.phone)} — {words.number_kind(item)}") for item in found]


def read_draft(form: CampaignForm, menu: MenuForm) -> Draft:
    """The validated forms as a draft. Raises Invalid("audio_recording.choose", field ``recording_id``)."""
    recorded = form.message.data == "recording"
    if recorded and not form.recording_id.data:
        raise Invalid("audio_recording.choose", field="recording_id")
    return Draft(
        name=form.name.data or "",
        purpose=Purpose(form.purpose.data),
        prompt=form.prompt.data or "",
        recording_id=form.recording_id.data if recorded else None,
        contacts=form.contacts.data or "",
        lists=form.lists.data or (),
        consent_note=form.consent_note.data or "",
        **read_menu(menu),
        calls_from=form.calls_from.data,
        calls_until=form.calls_until.data,
        lines=form.lines.data,
        max_attempts=form.max_attempts.data,
        own_number_id=form.own_number_id.data,
        **form.schedule(),
        request_key=(form.request_key.data or "")[:64] or None,
    )
