"""The part of a campaign's form that says when to call, how fast, and how often to try again."""

from datetime import datetime, time
from typing import Any

from wtforms import DateField, IntegerField, RadioField, SelectMultipleField, TimeField, validators
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from callcab.models import MachineAction, Outcome
from callcab.services import retry
from callcab.services.campaign.schedule import CALLS_PER_SECOND, WEEK
from callcab.web import telephony_words as words
from callcab.web.formatters import current_zone
from callcab.web.forms import Form
from callcab.web.language import lazy_gettext as _l

_DAY = {"placeholder": _l("ДД.ММ.ГГГГ"), "inputmode": "numeric", "maxlength": 10}
_CLOCK = {"placeholder": _l("ЧЧ:ММ"), "inputmode": "numeric", "maxlength": 5}
MACHINE = {
    MachineAction.PLAY: _l("Сказать сообщение, как человеку"),
    MachineAction.HANGUP: _l("Положить трубку и больше не звонить"),
    MachineAction.LATER: _l("Положить трубку и позвонить позже"),
}


def day_field(label: Any, **options: Any) -> DateField:
    """A date that is typed, and may stay empty."""
    return DateField(label, [validators.Optional()], format="%d.%m.%Y", widget=TextInput(), render_kw=_DAY, **options)


class ScheduleForm(Form):
    days = SelectMultipleField(
        _l("Дни недели"),
        choices=list(words.WEEKDAYS.items()),
        default=list(WEEK),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    start_day = day_field(_l("Начать не раньше"), description=_l("Пусто — сразу после запуска."))
    start_time = TimeField(
        _l("Время начала"), [validators.Optional()], format="%H:%M", widget=TextInput(), render_kw=_CLOCK
    )
    last_day = day_field(
        _l("Последний день"), description=_l("После него рассылка завершится сама. Пусто — без срока.")
    )
    calls_per_second = IntegerField(
        _l("Звонков в секунду"),
        [validators.Optional(), validators.NumberRange(*CALLS_PER_SECOND)],
        description=_l("Пусто — сколько позволяет сервис."),
    )
    machine = RadioField(
        _l("Если ответил автоответчик"),
        choices=[(action.value, text) for action, text in MACHINE.items()],
        default=MachineAction.PLAY.value,
    )

    def retry_fields(self) -> list[tuple[Any, Any, Any]]:
        """Outcome in words, its minutes, its tries: a row of the table."""
        return [
            (words.OUTCOMES[outcome.value][0], self[_name(outcome, "minutes")], self[_name(outcome, "tries")])
            for outcome in retry.CHOSEN
        ]

    def schedule(self) -> dict[str, Any]:
        """What was typed, as fields of a draft."""
        start: datetime | None = None
        if self.start_day.data:
            start = datetime.combine(self.start_day.data, self.start_time.data or time(), current_zone())
        return {
            "days": "".join(self.days.data or ()),
            "starts_at": start,
            "last_day": self.last_day.data,
            "calls_per_second": self.calls_per_second.data,
            "machine": MachineAction(self.machine.data),
            "retries": {outcome: self._retry(outcome) for outcome in retry.CHOSEN},
        }

    def _retry(self, outcome: Outcome) -> retry.Retry:
        """An emptied field means the usual."""
        usual = retry.default(outcome)
        minutes, tries = self[_name(outcome, "minutes")].data, self[_name(outcome, "tries")].data
        return retry.Retry(usual.minutes if minutes is None else minutes, usual.tries if tries is None else tries)


def offer_machines(form: ScheduleForm, *, detected: bool) -> None:
    """Only what the telephony in use can do: one that knows no machines speaks to them as to people."""
    if not detected:
        form.machine.choices = form.machine.choices[:1]
        form.machine.description = _l("Наша телефония не узнаёт автоответчики: они услышат то же, что и люди.")


def _name(outcome: Outcome, what: str) -> str:
    return f"retry_{outcome.value}_{what}"


for _outcome in retry.CHOSEN:
    _usual = retry.default(_outcome)
    for _what, _value, _limits, _label in (
        ("minutes", _usual.minutes, retry.MINUTES, _l("через, минут")),
        ("tries", _usual.tries, retry.TRIES, _l("ещё попыток")),
    ):
        setattr(
            ScheduleForm,
            _name(_outcome, _what),
            IntegerField(_label, [validators.Optional(), validators.NumberRange(*_limits)], default=_value),
        )
