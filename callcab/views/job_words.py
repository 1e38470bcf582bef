"""Operations in words: what each does, how far it is, what came of it."""

from markupsafe import Markup

from callcab.lib.errors import DomainError
from callcab.models import Operation, OperationKind, OperationRow, OperationState, RowOutcome
from callcab.web import errors
from callcab.web.formatters import DASH, number, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l

KINDS = {
    OperationKind.ACTION: _l("Действие"),
    OperationKind.IMPORT: _l("Загрузка"),
    OperationKind.EXPORT: _l("Выгрузка"),
}
STATES = {
    OperationState.PREVIEW: (_l("Проверяем файл"), "info"),
    OperationState.READY: (_l("Ждёт подтверждения"), "warn"),
    OperationState.QUEUED: (_l("В очереди"), "info"),
    OperationState.RUNNING: (_l("Выполняется"), "info"),
    OperationState.DONE: (_l("Готово"), "good"),
    OperationState.FAILED: (_l("Не получилось"), "bad"),
    OperationState.CANCELLED: (_l("Отменено"), ""),
}
OUTCOMES = {
    RowOutcome.DONE: (_l("Сделано"), "good"),
    RowOutcome.KNOWN: (_l("Уже было"), ""),
    RowOutcome.SKIPPED: (_l("Пропущено"), "warn"),
    RowOutcome.FAILED: (_l("Отказ"), "bad"),
}
LIVE = (OperationState.PREVIEW, OperationState.QUEUED, OperationState.RUNNING)
OPEN = (*LIVE, OperationState.READY)


def title_of(row: Operation) -> str:
    """What it does, in words: the section's own (``job.<name>``), else the kind."""
    found = errors.TEXTS.get(f"job.{behind(row)}")
    words = str(KINDS[row.kind] if found is None else found)
    return words if row.undo_of_id is None else _("Отмена: %(what)s", what=words)


def behind(row: Operation) -> str:
    """The name of what it does, or of what it undoes."""
    return row.name if row.undo_of_id is None else str(row.params["of"])


def state_of(row: Operation) -> Markup:
    text, tone = STATES[row.state]
    return status(text, tone, live=row.state in LIVE)


def counted(row: Operation) -> int:
    return row.done + row.known + row.skipped + row.failed


def progress_of(row: Operation) -> str:
    """`1 200 из 5 000`."""
    if row.total is None:
        return number(counted(row))
    return _("%(done)s из %(total)s", done=number(counted(row)), total=number(row.total))


def result_of(row: Operation) -> str:
    """Counts in words, or why it failed."""
    if row.error_code:
        return reason_of(row)
    fresh = _("новых") if row.state in (OperationState.PREVIEW, OperationState.READY) else _("сделано")
    parts = [(fresh, row.done), (_("уже было"), row.known), (_("пропущено"), row.skipped), (_("отказов"), row.failed)]
    return ", ".join(f"{name}: {number(count)}" for name, count in parts if count) or DASH


def reason_of(row: Operation) -> str:
    return errors.message(DomainError(row.error_code or "operation.internal", **row.error_params))


def row_reason(row: OperationRow) -> str:
    """The sentence of a row's reason; a code without a sentence is shown as it is."""
    text = str(errors.TEXTS.get(row.reason, row.reason))
    return row.reason if "%(" in text else text
