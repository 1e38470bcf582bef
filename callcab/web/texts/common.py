"""Sentences that belong to no section."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "not_found": _l("Такой страницы или записи нет."),
    "forbidden": _l("У вашей роли нет права на это действие."),
    "conflict": _l("Запись изменилась, пока вы работали. Обновите страницу и повторите."),
    "unavailable": _l("Сервис временно недоступен. Повторите через минуту."),
    "cell.changed": _l("Значение успели изменить. Сравните и решите, какое останется."),
    "edit.stale": _l("Запись успели изменить. Сверьте значения и сохраните ещё раз."),
    "customer.not_found": _l("Такого клиента нет."),
    "customer.blocked": _l("Клиент заблокирован: %(reason)s. Обратитесь в поддержку."),
    "reservation.not_found": _l("Такого резерва нет."),
    "reservation.released": _l("Резерв уже возвращён на счёт."),
    "reservation.amount_outside": _l("Сумма списания больше зарезервированной."),
    "ledger.key_reused": _l("Эта операция уже проведена с другой суммой."),
    "ledger.already_reversed": _l("Эта операция уже сторнирована."),
    "ledger.reversal_of_reversal": _l("Сторно нельзя сторнировать: проведите операцию заново."),
    "balance.low": _l("Недостаточно средств: доступно %(available)s. Пополните баланс."),
    "amount.zero": _l("Укажите сумму, отличную от нуля."),
    "amount.negative": _l("Сумма не может быть отрицательной."),
    "amount.too_large": _l("Сумма слишком велика: не больше %(limit)s."),
    "reason.required": _l("Укажите причину."),
    "field.required": _l("Заполните это поле."),
    "field.too_long": _l("Слишком длинно: не больше %(limit)s знаков."),
    "field.choice": _l("Выберите значение из списка."),
}
