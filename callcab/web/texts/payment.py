"""Sentences about payments, and the words of their exports."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "payment.not_found": _l("Такого платежа нет."),
    "payment.bad_amount": _l("Введите сумму числом, например 1 200,50."),
    "payment.not_positive": _l("Сумма платежа должна быть больше нуля."),
    "payment.fraction": _l("В сумме не больше двух знаков после запятой: копейки не округляются."),
    "payment.reason": _l("Укажите причину: её увидит клиент."),
    "payment.receipt_link": _l("Ссылка на чек должна начинаться с https:// или http:// и не содержать пробелов."),
    "payment.external_reused": _l("Платёж с таким номером уже записан с другой суммой или другому клиенту."),
    "payment.is_reversal": _l("Это само сторно: проведите платёж заново."),
    "payment.already_reversed": _l("Этот платёж уже сторнирован."),
    "payment.customer": _l("Выберите клиента из списка или введите его номер."),
    "payment.kind.credit": _l("Зачисление"),
    "payment.kind.debit": _l("Списание"),
    "payment.kind.refund": _l("Возврат"),
    "payment.kind.adjustment": _l("Корректировка"),
    "payment.method.card": _l("Банковская карта"),
    "payment.method.sbp": _l("СБП"),
    "payment.method.invoice": _l("Счёт"),
    "payment.method.promo": _l("Промокод"),
    "payment.method.manual": _l("Вручную"),
    "export.payment.created_at": _l("Дата создания"),
    "export.payment.tariff": _l("Тариф"),
    "export.payment.method": _l("Метод оплаты"),
    "export.payment.receipt": _l("Ссылка на чек"),
    "export.payment_support.created_at": _l("Дата создания"),
    "export.payment_support.tariff": _l("Тариф"),
    "export.payment_support.method": _l("Метод оплаты"),
    "export.payment_support.receipt": _l("Ссылка на чек"),
    "job.payment_support.export": _l("Выгрузка платежей"),
}
