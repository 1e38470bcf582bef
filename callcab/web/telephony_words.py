"""Words of the telephony pages: kinds, states and outcomes with their tone (good, warn, bad, info or nothing)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from callcab.lib import clock
from callcab.models import (
    BlacklistSource,
    CallbackState,
    CallState,
    Campaign,
    CampaignState,
    InboundAction,
    InboundCall,
    NumberHealth,
    NumberKind,
    NumberState,
    PhoneNumber,
    Purpose,
)
from callcab.models.mixins import Labelled
from callcab.web import errors
from callcab.web.formatters import link, moment, money, phone, status
from callcab.web.language import lazy_gettext as _l


def label_text(row: Labelled | None) -> Any:
    """A label in one line; nothing when there is none."""
    if row is None or not row.label_text:
        return None
    return f"{row.label_text} ({row.label_name}; {row.label_category})"


KIND_FILTER = {
    "shared": _l("Общий"),
    "free": _l("Свободный"),
    "duty": _l("Дежурный"),
    "rented": _l("Арендный"),
    "personal": _l("Личный"),
}
KINDS = {
    NumberKind.SHARED: _l("Общий"),
    NumberKind.DUTY: _l("Дежурный"),
    NumberKind.PERSONAL: _l("Личный"),
}
NUMBER_STATES = {
    NumberState.FREE: (_l("Свободен"), "good"),
    NumberState.BUSY: (_l("Занят"), "warn"),
    NumberState.PENDING: (_l("На подтверждении"), "info"),
    NumberState.VERIFIED: (_l("Подтверждён"), "good"),
    NumberState.FAILED: (_l("Не подтверждён"), "bad"),
    NumberState.BLOCKED: (_l("Заблокирован"), "bad"),
}
STUCK = {
    "orphan": _l("занят, но рассылки нет"),
    "over": _l("рассылка закончилась"),
    "silent": _l("рассылка не звонит больше суток"),
}
TROUBLE = {
    "stuck": _l("Застрявшие"),
    "falling": _l("Падает дозвон"),
    "resting": _l("Отдыхают"),
}
STATE_FILTER = {state.value: words for state, (words, _) in NUMBER_STATES.items()}
CAMPAIGN_STATES = {
    CampaignState.DRAFT: (_l("Черновик"), ""),
    CampaignState.WAITING: (_l("Ожидает"), "warn"),
    CampaignState.RUNNING: (_l("Идёт"), "info"),
    CampaignState.PAUSED: (_l("Пауза"), "warn"),
    CampaignState.FINISHED: (_l("Завершена"), "good"),
    CampaignState.STOPPED: (_l("Остановлена"), ""),
}
CAMPAIGN_FILTER = {state.value: words for state, (words, _) in CAMPAIGN_STATES.items()}
PURPOSES = {
    Purpose.INFORMATION: _l("Информирование"),
    Purpose.SERVICE: _l("Обслуживание"),
    Purpose.DEBT: _l("Возврат долга"),
    Purpose.ADVERTISING: _l("Реклама"),
}
PURPOSE_FILTER = {purpose.value: words for purpose, words in PURPOSES.items()}
CALLBACK_STATES = {CallbackState.NEW: (_l("Новая"), "warn"), CallbackState.DONE: (_l("Обработана"), "good")}
CALL_STATES = {
    CallState.PLACED: (_l("Набираем"), "info"),
    CallState.RINGING: (_l("Звоним"), "info"),
    CallState.ANSWERED: (_l("Разговор"), "info"),
}
OUTCOMES = {
    "completed": (_l("Прослушал"), "good"),
    "verified": (_l("Подтверждён"), "good"),
    "by_hand": (_l("Подтверждён вручную"), "good"),
    "wrong_digit": (_l("Нажата другая цифра"), "bad"),
    "no_input": (_l("Ничего не нажал"), "warn"),
    "hangup_before_digit": (_l("Положил трубку"), "warn"),
    "no_answer": (_l("Не ответил"), "warn"),
    "busy": (_l("Занято"), "warn"),
    "rejected": (_l("Отклонил звонок"), "warn"),
    "unallocated": (_l("Номер не существует"), "bad"),
    "unreachable": (_l("Вне сети"), "warn"),
    "congestion": (_l("Перегрузка сети"), "warn"),
    "machine": (_l("Автоответчик"), "warn"),
    "request_refused": (_l("Не звонили"), ""),
    "lost": (_l("Исход неизвестен"), "bad"),
    "expired": (_l("Время вышло"), "warn"),
    "unavailable": (_l("Звонок не состоялся"), "warn"),
    "cancelled": (_l("Отменена"), ""),
    "taken": (_l("Номер уже у сервиса"), "bad"),
}
# What the person at the verification card should know and do.
FAILURES = {
    "wrong_digit": _l("Нажата не та цифра. Закажите звонок ещё раз и нажмите 1."),
    "no_input": _l("Вы ответили, но ничего не нажали. Закажите звонок ещё раз и нажмите 1."),
    "hangup_before_digit": _l("Трубку положили раньше, чем нажали 1. Дослушайте робота до конца."),
    "no_answer": _l("Никто не ответил. Убедитесь, что телефон рядом, и закажите звонок ещё раз."),
    "busy": _l("Номер был занят. Закончите разговор и закажите звонок ещё раз."),
    "rejected": _l("Звонок отклонили. Проверьте, не включена ли защита от неизвестных номеров."),
    "unallocated": _l("Такого номера не существует. Проверьте цифры."),
    "unreachable": _l("Телефон выключен или вне сети. Включите его и закажите звонок ещё раз."),
    "congestion": _l("Сеть перегружена. Это не ваша вина: повторите через несколько минут."),
    "machine": _l("Ответил автоответчик. Отключите его на время проверки."),
    "expired": _l("Звонок не успел состояться. Закажите его ещё раз."),
    "unavailable": _l("Телефония не отвечает, звонка не было. Эта попытка не считается, повторите."),
    "request_refused": _l("Телефония не приняла звонок. Напишите в поддержку."),
    "cancelled": _l("Проверка отменена."),
    "taken": _l("Этот номер теперь принадлежит сервису, личным он стать не может."),
}
INBOUND_TONES = {InboundAction.CONNECT: "good", InboundAction.MENU: "info", InboundAction.REFUSE: "warn"}
VERDICTS = {
    "ok": (_l("Не мешает"), "good"),
    "never": (_l("Запрещает"), "bad"),
    "later": (_l("Не сейчас"), "warn"),
    "campaign": (_l("Ждёт вся рассылка"), "warn"),
}
# The same verdicts before a launch, where nobody has been called yet.
CHECKED = {"ok": (_l("Позвоним"), "good"), "later": (_l("Позже"), "warn"), "never": (_l("Нет"), "bad")}
RULES = {
    "number": _l("Номер и его вид"),
    "platform_list": _l("Чёрный список платформы"),
    "own_list": _l("Чёрный список клиента"),
    "hours": _l("Время у абонента"),
    "purpose": _l("Цель и согласие"),
    "customer": _l("Клиент"),
    "balance": _l("Баланс"),
    "caller": _l("Исходящий номер"),
    "retries": _l("Повторы"),
    "campaign": _l("Рассылка"),
}
EVIDENCE = {
    "phone": _l("номер"),
    "kind": _l("вид"),
    "source": _l("источник"),
    "since": _l("с"),
    "until": _l("до"),
    "zones": _l("пояс"),
    "local": _l("там сейчас"),
    "from": _l("с"),
    "weekdays": _l("дни"),
    "purpose": _l("цель"),
    "available": _l("доступно"),
    "needed": _l("нужно"),
    "free": _l("свободно"),
    "attempts": _l("попыток"),
    "limit": _l("предел"),
    "last": _l("последний звонок"),
    "status": _l("состояние"),
    "reason": _l("причина"),
    "author": _l("кто добавил"),
    "days": _l("за дней"),
}
BLACKLIST_SOURCES = {
    BlacklistSource.HAND: _l("Ручной ввод"),
    BlacklistSource.CLIPBOARD: _l("Буфер обмена"),
    BlacklistSource.FILE: _l("Файл базы"),
    BlacklistSource.IVR: _l("Условие IVR"),
    BlacklistSource.API: _l("API"),
    BlacklistSource.OPERATOR: _l("Отказ у оператора"),
}
WEEKDAYS = {
    "1": _l("Понедельник"),
    "2": _l("Вторник"),
    "3": _l("Среда"),
    "4": _l("Четверг"),
    "5": _l("Пятница"),
    "6": _l("Суббота"),
    "7": _l("Воскресенье"),
}
SHORT_DAYS = {
    "1": _l("пн"),
    "2": _l("вт"),
    "3": _l("ср"),
    "4": _l("чт"),
    "5": _l("пт"),
    "6": _l("сб"),
    "7": _l("вс"),
}
WAITING = {
    "campaign.scheduled": _l("начнётся в назначенное время"),
    "campaign.over": _l("последний день прошёл"),
    "campaign.starting": _l("запускается"),
    "number.none_free": _l("нет свободного номера"),
    "balance.low": _l("пополните баланс"),
    "customer.blocked": _l("клиент заблокирован"),
    "campaign.no_consent": _l("нет согласия абонентов"),
    "telephony.dialer_away": _l("служба звонков не запущена"),
    "telephony.down": _l("телефония не отвечает"),
    "telephony.line_away": _l("АТС или оператор связи не отвечает"),
    "telephony.line_denied": _l("АТС или оператор связи не принимает имя или пароль службы звонков"),
    "telephony.trunk_unknown": _l("на АТС нет нашей линии"),
    "telephony.unsupported": _l("телефония не умеет того, что задано в рассылке"),
}


VALUES = {
    "mobile": _l("мобильный"),
    "fixed": _l("городской"),
    "toll_free": _l("бесплатный вызов"),
    "premium": _l("платный вызов"),
    "other": _l("другой"),
    "hand": _l("вручную"),
    "clipboard": _l("из буфера обмена"),
    "file": _l("из файла"),
    "ivr": _l("сам нажал цифру"),
    "api": _l("по API"),
    "information": _l("информирование"),
    "service": _l("обслуживание"),
    "debt": _l("возврат долга"),
    "advertising": _l("реклама"),
    "active": _l("работает"),
}


def number_kind(number: PhoneNumber) -> Any:
    """The kind as people know it: a free or rented number is a shared one in that state."""
    if number.rented_until is not None:
        return KIND_FILTER["rented"]
    return KINDS[number.kind]


def number_kind_cell(number: PhoneNumber) -> Any:
    """The kind with what people must know of it: nobody can call a duty number back."""
    if number.kind is not NumberKind.DUTY:
        return number_kind(number)
    return Markup('{} <span class="tag">{}</span>').format(KINDS[number.kind], _l("нельзя перезвонить"))


def number_status_cell(number: PhoneNumber) -> Any:
    """The state, and beside it that the number rests or that people stopped answering it."""
    cell = number_status(number)
    if number.rests_until is not None and number.rests_until > clock.now():
        cell += Markup(' <span class="tag">{}</span>').format(_l("отдыхает"))
    if number.health is NumberHealth.FALLING:
        cell += Markup(' <span class="tag">{}</span>').format(_l("падает дозвон"))
    return cell


def number_status(number: PhoneNumber) -> Any:
    words, tone = NUMBER_STATES[number.state]
    return status(words, tone, live=number.state is NumberState.PENDING)


def campaign_status(campaign: Campaign) -> Any:
    words, tone = CAMPAIGN_STATES[campaign.state]
    if campaign.wait_reason:
        words = f"{words}: {WAITING.get(campaign.wait_reason, campaign.wait_reason)}"
    return status(words, tone, live=campaign.state is CampaignState.RUNNING)


def outcome_status(outcome: str | None) -> Any:
    """The outcome of a call or a verification; what goes on is the caller's to say."""
    words, tone = OUTCOMES.get(str(outcome), (outcome or "", ""))
    return status(words, tone)


def call_status(call: Any) -> Any:
    if call.outcome is not None:
        return outcome_status(call.outcome.value)
    words, tone = CALL_STATES[call.state]
    return status(words, tone, live=True)


def inbound_done(call: InboundCall) -> Any:
    """What was done with an incoming call, as a dot with words."""
    return status(
        errors.TEXTS[f"inbound_action.{call.action.value}"], INBOUND_TONES[call.action], live=call.ended_at is None
    )


def verdict_status(verdict: str) -> Any:
    words, tone = CHECKED[verdict]
    return status(words, tone)


def reason(code: str) -> Any:
    """A short sentence for the code of a decision; those of error codes where no number has to be filled in."""
    if code in WAITING:
        return WAITING[code]
    text = errors.TEXTS.get(code, "")
    return "" if "%(" in str(text) else text


def trace_lines(trace: Any) -> list[dict[str, Any]]:
    """A stored or fresh decision as rows of a table: rule, verdict, why, evidence."""
    lines = []
    deciding = _deciding(trace)
    for finding in trace:
        words, tone = VERDICTS.get(finding["verdict"], (finding["verdict"], ""))
        lines.append(
            {
                "rule": RULES.get(finding["rule"], finding["rule"]),
                "verdict": status(words, tone),
                "why": reason(finding["code"]),
                "evidence": _evidence(finding["evidence"]),
                "decides": finding is deciding,
            }
        )
    return lines


def decided(trace: Any) -> str:
    """Which rule decided, and why, in one line."""
    found = _deciding(trace)
    if found is None:
        return str(_l("все правила разрешили") if trace else "")
    return f"{RULES.get(found['rule'], found['rule'])}: {reason(found['code']) or found['code']}"


def reaction(passed: timedelta) -> str:
    """How long the service took to heed somebody who asked not to be called."""
    seconds = passed.total_seconds()
    return str(_l("меньше секунды")) if seconds < 1 else str(_l("%(seconds)s с", seconds=round(seconds)))


def _deciding(trace: Any) -> Any:
    """The first rule that refuses; none when all allow."""
    return next((finding for finding in trace if finding["verdict"] != "ok"), None)


def _evidence(values: dict[str, Any]) -> str:
    parts = []
    for key, value in values.items():
        if key in EVIDENCE and value not in (None, "", []):
            parts.append(f"{EVIDENCE[key]}: {_shown(key, value)}")
    return "; ".join(parts)


def _shown(key: str, value: Any) -> Any:
    """A stored piece of evidence as people read it."""
    if key == "zones":
        return ", ".join(moscow_offset(name) for name in value)
    if key == "weekdays":
        return days_text(str(value))
    if key in ("available", "needed"):
        return money(Decimal(value))
    if key == "phone" or (key == "from" and str(value).isdigit()):
        return phone(value)
    if key in ("since", "until", "last") and "T" in str(value):
        return moment(datetime.fromisoformat(value))
    return VALUES.get(str(value), value)


def days_text(days: str) -> str:
    """Days of the week in short: `пн, вт`, or that it is all of them."""
    return str(_l("все")) if len(days) == len(SHORT_DAYS) else ", ".join(str(SHORT_DAYS[day]) for day in days)


def moscow_offset(name: str) -> str:
    """A Russian zone as it is called in Russia: `МСК`, `МСК+7`, `МСК−1`."""
    now = clock.now()
    ahead = now.astimezone(ZoneInfo(name)).utcoffset() - now.astimezone(ZoneInfo("Europe/Moscow")).utcoffset()
    hours = round(ahead / timedelta(hours=1))
    return str(_l("МСК")) + ("" if not hours else f"+{hours}" if hours > 0 else f"−{-hours}")


def customer_link(row: Any) -> Any:
    """Whose row it is, for support."""
    if row.customer is None:
        return None
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)
