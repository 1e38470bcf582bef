"""Sentences about verification calls."""

from callcab.web.language import lazy_gettext as _l

_NUMBER = _l("На этот номер уже звонили %(limit)s раза. Следующий звонок можно заказать %(retry_at)s.")
_CUSTOMER = _l("Вы заказали %(limit)s звонков. Следующий можно заказать %(retry_at)s.")

TEXTS = {
    "verification.running": _l("На этот номер уже идёт звонок. Дождитесь его окончания."),
    "verification.number_hour": _NUMBER,
    "verification.number_day": _NUMBER,
    "verification.customer_hour": _CUSTOMER,
    "verification.customer_day": _CUSTOMER,
    "verification.service_day": _l(
        "Сервис уже сделал много проверочных звонков. Следующий можно заказать %(retry_at)s."
    ),
    "verification.off": _l("Проверка номеров сейчас выключена. Напишите в поддержку."),
    "proof.notice_subject": _l("Подтвердите исходящие номера ещё раз"),
    "proof.notice_letter": _l(
        "Здравствуйте!\n\nЗаканчивается срок подтверждения исходящих номеров:\n\n%(numbers)s\n\nНомера переходят из рук"
        " в руки, поэтому раз в год мы проверяем их снова. Закажите звонок и нажмите 1: раздел «Номера телефонов» в"
        " личном кабинете. До конца срока номер работает как раньше, после него рассылки с него не звонят.\n"
    ),
    "proof.notice_line": _l("%(phone)s — до %(until)s"),
    "verification.unavailable": _l("Телефония не отвечает. Повторите %(retry_at)s."),
    "verification.not_found": _l("Такой проверки нет."),
    "verification.already": _l("Этот номер уже подтверждён."),
    "telephony.dialer_away": _l("Служба звонков сейчас не запущена: звонки начнутся, когда она вернётся."),
    "telephony.down": _l("Телефония не отвечает: звонки начнутся, когда связь вернётся."),
    "telephony.line_away": _l("АТС или оператор связи не отвечает: звонки начнутся, когда связь вернётся."),
    "telephony.line_denied": _l(
        "АТС или оператор связи не принимает имя или пароль службы звонков: звонки начнутся, когда мы это исправим."
    ),
    "telephony.trunk_unknown": _l("На АТС нет нашей линии: звонки начнутся, когда мы это исправим."),
    "telephony.number": _l("Телефония не приняла номер."),
    "telephony.unsupported": _l("Такой сценарий эта телефония не умеет."),
    "telephony.reference": _l("Телефония не приняла звонок."),
}
