"""Sentences about the operator's own requisites and price plans."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "seller.not_found": _l("Таких реквизитов нет."),
    "seller.inn_known": _l("Реквизиты с этим ИНН уже есть."),
    "seller.default_needed": _l("Счета должен кто-то выставлять: сначала сделайте основными другие реквизиты."),
    "seller.vat_rate": _l("Выберите ставку НДС: 0, 5, 7, 10 или 22."),
    "seller.due_days": _l("Срок оплаты: от 1 до %(limit)s дней."),
    "bank.empty": _l("Заполните это поле."),
    "bank.length": _l("Проверьте длину: в БИК 9 цифр, в счёте 20 знаков."),
    "bank.not_digits": _l("Здесь должны быть только цифры."),
    "bank.first_digit": _l("БИК начинается с 0, 1 или 2."),
    "bank.zeros": _l("Одни нули не подходят."),
    "bank.key": _l("Ключ счёта не сходится с БИК: проверьте оба номера."),
    "bank.not_correspondent": _l("Корреспондентский счёт начинается с 30101."),
    "bank.other_bank": _l("Последние три цифры счёта не совпадают с БИК: это счёт другого банка."),
    "bank.not_rouble": _l("Это не рублёвый счёт: в знаках 6–8 должно быть 810."),
    "tariff.not_found": _l("Такого тарифа нет."),
    "tariff.name_known": _l("Тариф с таким названием уже есть."),
    "tariff.default_needed": _l("Новым клиентам нужен тариф: сначала сделайте основным другой."),
    "tariff.seconds": _l("Введите целое число секунд от 1 до %(limit)s."),
    "tariff.price": _l("Введите цену от 0 до %(limit)s, не больше четырёх знаков после запятой."),
}
