"""Who is there: the operator with its price plans, the support team, the customers and their people."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from callcab.cli.demo import dice
from callcab.cli.demo.daybook import Paid
from callcab.cli.demo.timeline import Timeline
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Customer, Seller, Tariff, User, VatMode
from callcab.scope import Actor
from callcab.services import customer as customers
from callcab.services import password

HISTORY_DAYS = 60


_STAFF = (
    ("support", "support@demo.callcab", "Саша Агеева", "agent"),
    ("lead", "lead@demo.callcab", "Лидия Старшинова", "lead"),
    ("admin", "admin@demo.callcab", "Антон Главный", "admin"),
)


@dataclass(frozen=True)
class Firm:
    """A customer to be: ``days`` since it came, ``weight`` its share of payments and calls."""

    key: str
    name: str
    region: str
    email: str
    owner: str
    tariff: str
    days: int
    weight: int
    zone: str = "Europe/Moscow"
    person: bool = False
    address: str = ""


FIRMS = (
    Firm(
        "north",
        "ООО «Северный ветер»",
        "77",
        "owner@demo.callcab",
        "Ольга Ветрова",
        "Базовый",
        60,
        34,
        address="115114, г. Москва, Дербеневская наб., д. 7, стр. 9",
    ),
    Firm(
        "doctor",
        "ООО «Клиника „Добрый доктор“»",
        "78",
        "other@demo.callcab",
        "Павел Лекарев",
        "Базовый",
        59,
        18,
        address="191186, г. Санкт-Петербург, наб. канала Грибоедова, д. 5",
    ),
    Firm(
        "ural",
        "АО «Уралтехсервис»",
        "66",
        "office@uraltech.example",
        "Егор Каменских",
        "Оптовый",
        58,
        22,
        zone="Asia/Yekaterinburg",
        address="620014, г. Екатеринбург, ул. Радищева, д. 12",
    ),
    Firm(
        "collect",
        "ООО «Правовой сервис»",
        "52",
        "mail@pravoservis.example",
        "Инна Долгова",
        "Оптовый",
        57,
        14,
        address="603005, г. Нижний Новгород, ул. Ульянова, д. 10А",
    ),
    Firm(
        "maria",
        "ИП Кузнецова Мария Андреевна",
        "50",
        "maria@kuznetsova.example",
        "Мария Кузнецова",
        "Базовый",
        52,
        5,
        person=True,
        address="141402, Московская обл., г. Химки, ул. Калинина, д. 3, кв. 41",
    ),
    Firm(
        "volga",
        "ООО «Доставка Волга»",
        "63",
        "hello@dostavka-volga.example",
        "Тимур Саляхов",
        "Базовый",
        45,
        6,
        zone="Europe/Samara",
        address="443099, г. Самара, ул. Куйбышева, д. 93",
    ),
    Firm(
        "hotel",
        "ООО «Парк-отель „Сосны“»",
        "50",
        "info@sosny-hotel.example",
        "Наталья Соснина",
        "Базовый",
        50,
        1,
        address="143090, Московская обл., г. Краснознаменск, ул. Лесная, д. 1",
    ),
    Firm(
        "lingua",
        "ООО «Школа языков „Лингва“»",
        "54",
        "school@lingva.example",
        "Анна Речкина",
        "Стартовый",
        3,
        0,
        zone="Asia/Novosibirsk",
        address="630099, г. Новосибирск, Красный пр., д. 25",
    ),
)
_COLLEAGUES = (
    ("manager@demo.callcab", "Кирилл Управляев", "manager"),
    ("accountant@demo.callcab", "Вера Счетова", "accountant"),
    ("operator@demo.callcab", "Коля Звонов", "operator"),
    ("viewer@demo.callcab", "Зоя Смотрова", "viewer"),
)


@dataclass
class World:
    """What the parts of the demo share.

    paid      payments still to be written, by customer and days ago
    dialled   campaigns whose calls are still to be written, by customer and days ago
    batches   promo batches by name
    invoices  by their request key
    """

    session: CabSession
    timeline: Timeline
    owner_address: str = "198.51.100.17"
    customers: dict[str, Customer] = field(default_factory=dict)
    owners: dict[str, User] = field(default_factory=dict)
    staff: dict[str, User] = field(default_factory=dict)
    seller: Seller | None = None
    paid: dict[tuple[str, int], list[Paid]] = field(default_factory=dict)
    dialled: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    invoices: dict[str, int] = field(default_factory=dict)

    def owner(self, key: str) -> Actor:
        """The customer's owner at work."""
        user = self.owners[key]
        return Actor(user.name, user.role, user.id, user.customer_id, self.owner_address)

    def support(self, key: str = "support") -> Actor:
        user = self.staff[key]
        return Actor(user.name, user.role, user.id, None, "203.0.113.5")

    def days_ago(self, days: float) -> datetime:
        return self.timeline.now - timedelta(days=days)


def settle(world: World, secret: str) -> None:
    """Make everybody; flushed."""
    # One hash for all: they share the password, and each costs 25 ms.
    password_hash = password.hash_password(secret)
    with clock.frozen(world.days_ago(HISTORY_DAYS + 1)):
        tariffs = _tariffs(world)
        world.seller = _seller()
        world.session.add(world.seller)
        for key, email, name, role in _STAFF:
            world.staff[key] = _user(world, None, email, name, role, password_hash)
        world.session.flush()
    for firm in FIRMS:
        with clock.frozen(world.days_ago(firm.days)):
            _customer(world, firm, tariffs[firm.tariff], password_hash)
    for email, name, role in _COLLEAGUES:
        with clock.frozen(world.days_ago(40)):
            _user(world, world.customers["north"].id, email, name, role, password_hash)
    world.session.flush()


def _tariffs(world: World) -> dict[str, Tariff]:
    rows = (
        Tariff(name="Базовый", minute_price=Decimal("1.80"), rental_day_price=Decimal("15"), is_default=True),
        Tariff(
            name="Оптовый",
            first_seconds=30,
            step_seconds=1,
            minute_price=Decimal("1.35"),
            duty_minute_price=Decimal("1.10"),
            personal_minute_price=Decimal("0.95"),
            rental_day_price=Decimal("12"),
        ),
        Tariff(
            name="Стартовый",
            first_seconds=60,
            step_seconds=60,
            minute_price=Decimal("2.40"),
            rental_day_price=Decimal("20"),
        ),
    )
    world.session.add_all(rows)
    world.session.flush()
    return {row.name: row for row in rows}


def _seller() -> Seller:
    rolls = dice.dice("seller")
    return Seller(
        name="ООО «Колкаб»",
        inn=dice.company_inn(rolls, "77"),
        kpp=dice.kpp("77"),
        ogrn=dice.ogrn(rolls, "77"),
        address="101000, г. Москва, ул. Мясницкая, д. 11",
        bank_name="ПАО СБЕРБАНК",
        bik="044525225",
        corr_account="30101810400000000225",
        account="40702810138250123017",
        head="Иванов И. И.",
        accountant="Петрова П. П.",
        vat_mode=VatMode.INSIDE,
        vat_rate=Decimal("22"),
        service_name="Услуги связи: пополнение лицевого счёта",
        attention="Внимание! Оплата данного счета означает согласие с условиями договора-оферты.",
        is_default=True,
    )


def _customer(world: World, firm: Firm, tariff: Tariff, password_hash: str) -> None:
    rolls = dice.dice(f"firm:{firm.key}")
    made = customers.create(
        world.session,
        values={
            "name": firm.name,
            "inn": dice.person_inn(rolls, firm.region) if firm.person else dice.company_inn(rolls, firm.region),
            "email": firm.email,
            "zone": firm.zone,
            "tariff_id": tariff.id,
        },
        owner_name=firm.owner,
        actor=world.support("lead"),
    )
    made.manager_id = world.staff["support" if firm.weight < 15 else "lead"].id
    owner = customers.owner(world.session, made.id)
    owner.password_hash = password_hash
    world.customers[firm.key] = made
    world.owners[firm.key] = owner
    world.session.flush()


def _user(world: World, customer_id: int | None, email: str, name: str, role: str, password_hash: str) -> User:
    user = User(customer_id=customer_id, email=email, name=name, role=role, password_hash=password_hash)
    world.session.add(user)
    return user
