"""Forty invented payers: a register for the look-up by INN, and the names on invoices."""

import csv
from functools import lru_cache
from pathlib import Path

from callcab.cli.demo import dice
from callcab.providers.company import CompanyInfo, CompanyStatus

COUNT = 40
_TOWNS = (
    ("77", "г. Москва"), ("78", "г. Санкт-Петербург"), ("66", "Свердловская обл., г. Екатеринбург"),
    ("16", "Респ. Татарстан, г. Казань"), ("54", "Новосибирская обл., г. Новосибирск"),
)  # fmt: skip
_NAMES = (
    "Альбатрос", "Берёзка", "Вектор-Сервис", "Горизонт", "Дельта Трейд", "Енисей", "Жемчужина", "Заря", "Импульс",
    "Каскад", "Ладога", "Меридиан", "Невский берег", "Орион", "Парус", "Родник", "Сигма Логистик", "Теплодар",
    "Уютный дом", "Фарватер", "Хлебный край", "Центр печати", "Чайка", "Школьный мир", "Экспресс-Пост", "Юпитер",
    "Янтарь", "Автодом", "Бригантина", "Велес",
)  # fmt: skip
_PEOPLE = (
    "Абрамова Светлана Юрьевна", "Баранов Илья Олегович", "Воронина Дарья Сергеевна", "Гусев Артём Павлович",
    "Денисова Елена Львовна", "Ершов Никита Романович", "Жукова Алина Игоревна", "Зимин Пётр Андреевич",
    "Ильина Мария Викторовна", "Комаров Глеб Денисович",
)  # fmt: skip
_STREETS = ("ул. Садовая", "пр-кт Мира", "ул. Лесная", "наб. Речная", "ул. Заводская", "пер. Тихий")
_HEADING = ("inn", "kpp", "ogrn", "name", "address", "head", "status")


@lru_cache(maxsize=1)
def payers() -> tuple[CompanyInfo, ...]:
    """Thirty companies and ten sole proprietors; two are closing, one is closed."""
    rolls = dice.dice("companies")
    found = []
    for index in range(COUNT):
        region, town = _TOWNS[index % len(_TOWNS)]
        address = f"{town}, {rolls.choice(_STREETS)}, д. {rolls.randrange(1, 120)}, оф. {rolls.randrange(1, 400)}"
        head = _PEOPLE[index % len(_PEOPLE)]
        if index < len(_NAMES):
            form = "АО" if index % 7 == 3 else "ООО"
            inn, kpp, ogrn = dice.company_inn(rolls, region), dice.kpp(region), dice.ogrn(rolls, region)
            name = f"{form} «{_NAMES[index]}»"
        else:
            inn, kpp, ogrn = dice.person_inn(rolls, region), "", dice.ogrnip(rolls, region)
            name = f"ИП {head}"
        found.append(CompanyInfo(inn, name, kpp, ogrn, address, _short(head), _status(index)))
    return tuple(found)


def write_register(path: Path) -> None:
    """Where the look-up of a demo finds them; a file that is there already stays."""
    if path.exists():
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, delimiter=";")
        rows.writerow(_HEADING)
        for payer in payers():
            rows.writerow([str(getattr(payer, name)) for name in _HEADING])


def _short(head: str) -> str:
    last, first, middle = head.split()
    return f"{last} {first[0]}. {middle[0]}."


def _status(index: int) -> CompanyStatus:
    return {
        11: CompanyStatus.LIQUIDATING,
        17: CompanyStatus.BANKRUPT,
        23: CompanyStatus.LIQUIDATED,
    }.get(index, CompanyStatus.ACTIVE)
