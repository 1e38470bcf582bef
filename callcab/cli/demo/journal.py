"""Doors and papers: log-ins, allow lists and refusals, API keys, support's notes, letters that were sent."""

from datetime import timedelta

from callcab.cli.demo import dice
from callcab.cli.demo.people import FIRMS, World
from callcab.lib import clock
from callcab.models import Door, LoginEvent, LoginOutcome, MailMessage, MailState, User
from callcab.services import api_token, ip_denial, ip_rule, mail, password
from callcab.services import customer as customers

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
# Not «Северный ветер» and not «Добрый доктор»: their demo logins must work from anywhere.
ALLOWED = (
    ("ural", "198.51.100.0/26", "Офис, Радищева 12"),
    ("ural", "203.0.113.77", "VPN"),
    ("ural", "2001:db8:52::/48", "Офис, IPv6"),
    ("collect", "192.0.2.10", "Колл-центр"),
)
STRANGERS = ("203.0.113.201", "198.51.100.130", "192.0.2.200", "2001:db8:bad::7")
NOTES = (
    ("north", "lead", "Просят закрепить за собой ещё пять номеров до конца года, посчитать скидку."),
    ("north", "support", "Звонила Ольга: не понимала, почему номер занят. Объяснил про рассылку до её окончания."),
    ("ural", "lead", "Включили белый список IP после ухода администратора. Доступ открывать по звонку из карточки."),
    ("collect", "support", "Напомнил про ограничения 230-ФЗ: не чаще раза в день и двух раз в неделю."),
    ("maria", "support", "Номер подтвердили вручную: звонок робота не проходил, договор с оператором есть."),
    ("volga", "support", "Оплачивают по счёту, бухгалтерия отвечает долго. Не блокировать до 15-го числа."),
    ("hotel", "lead", "Спор по акту за октябрь. До решения рассылки приостановлены."),
)  # fmt: skip
LETTERS = (
    ("north", 35, "news", "Новые номера в общем пуле", "sent"),
    ("ural", 20, "ip.denied", "Вход с незнакомого адреса", "sent"),
    ("collect", 12, "balance.low", "На счёте осталось мало денег", "sent"),
    ("volga", 9, "invoice.overdue", "Счёт не оплачен в срок", "sent"),
    ("hotel", 6, "customer.mail", "О приостановке рассылок", "failed"),
)


def plan(world: World) -> None:
    timeline = world.timeline
    for index, (key, network, note) in enumerate(ALLOWED):
        timeline.add(timeline.afternoon(43, 300 + index), lambda args=(key, network, note): _allow(world, *args))
    rolls = dice.dice("journal")
    for _ in range(30):
        key, address = rolls.choice(("ural", "ural", "collect")), rolls.choice(STRANGERS)
        moment = timeline.afternoon(rolls.randrange(1, 40), rolls.randrange(310, 700))
        timeline.add(moment, lambda args=(key, address, rolls.random()): _deny(world, *args))
    for firm in FIRMS:
        for days in range(firm.days - 1, 0, -1):
            if rolls.random() < 0.7 and (firm.key, days > 6) != ("hotel", False):
                moment = timeline.afternoon(days, rolls.randrange(10, 700))
                timeline.add(moment, lambda args=(firm.key, rolls.random()): _sign_in(world, *args))
    for index, (key, author, text) in enumerate(NOTES):
        timeline.add(timeline.afternoon(25 - 3 * index, 200), lambda args=(key, author, text): _note(world, *args))
    for key, days, kind, subject, state in LETTERS:
        timeline.add(timeline.afternoon(days, 240), lambda args=(key, kind, subject, state): _letter(world, *args))
    timeline.add(timeline.afternoon(34, 250), lambda: _keys(world))
    timeline.add(timeline.afternoon(6, 235), lambda: _block(world, "hotel"))


def _allow(world: World, key: str, network: str, note: str) -> None:
    customer_id = world.customers[key].id
    ip_rule.add(
        world.session,
        customer_id=customer_id,
        text=network,
        note=note,
        current_address=None,
        actor=world.owner(key),
    )


def _deny(world: World, key: str, address: str, chance: float) -> None:
    ip_denial.note(
        world.session,
        customer_id=world.customers[key].id,
        user_id=world.owners[key].id,
        address=address,
        door=Door.API if chance < 0.3 else Door.CABINET,
        agent="python-requests/2.32" if chance < 0.3 else _BROWSER,
        letter=chance >= 0.3,
    )


def _sign_in(world: World, key: str, chance: float) -> None:
    """A log-in as its service writes it down; the password itself would cost 25 ms each time."""
    user = world.owners[key]
    if chance < 0.12:
        _door(world, user, LoginOutcome.WRONG_PASSWORD)
    _door(world, user, LoginOutcome.SUCCESS)
    world.customers[key].last_login_at = clock.now()


def _door(world: World, user: User, outcome: LoginOutcome) -> None:
    world.session.add(
        LoginEvent(
            user_id=user.id,
            customer_id=user.customer_id,
            account=password.account_key(user.email),
            outcome=outcome,
            address=world.owner_address,
            agent=_BROWSER,
        )
    )


def _note(world: World, key: str, author: str, text: str) -> None:
    customers.add_note(world.session, world.customers[key].id, text=text, actor=world.support(author))


def _block(world: World, key: str) -> None:
    customers.block(
        world.session, world.customers[key].id, reason="Спор по акту за октябрь", actor=world.support("lead")
    )


def _letter(world: World, key: str, kind: str, subject: str, state: str) -> None:
    customer = world.customers[key]
    letter = mail.send(
        world.session,
        kind=kind,
        recipient=customer.email,
        subject=subject,
        text=f"Здравствуйте!\n\n{subject}. Подробности в личном кабинете.\n\ncallcab",
        customer_id=customer.id,
    )
    if letter is not None:
        _end(letter, MailState(state))


def _end(letter: MailMessage, state: MailState) -> None:
    """It has left long ago: no worker may send it again."""
    letter.state = state
    letter.attempts = 1 if state is MailState.SENT else 12
    letter.sent_at = clock.now() + timedelta(seconds=2) if state is MailState.SENT else None
    letter.error = "" if state is MailState.SENT else "550 mailbox unavailable"


def _keys(world: World) -> None:
    """API keys whose text nobody keeps: for the list, not for use."""
    for key, name, scopes in (
        ("north", "CRM", ("account:read", "blacklist:read", "blacklist:write")),
        ("north", "Старая интеграция", ("payments:read",)),
        ("ural", "Выгрузка платежей", ("payments:read", "account:read")),
    ):
        row, _ = api_token.create(
            world.session,
            customer_id=world.customers[key].id,
            name=name,
            scopes=scopes,
            expires_at=clock.now() + timedelta(days=180),
            actor=world.owner(key),
        )
        if name == "Старая интеграция":
            api_token.revoke(world.session, customer_id=row.customer_id, token_id=row.id, actor=world.owner(key))
