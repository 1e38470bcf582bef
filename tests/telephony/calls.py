"""Calls that the tests place, and what every line must make of them."""

import itertools

from callcab.providers.telephony.base import CallKind, CallRequest, Cause, Gather, HangUp, Play
from tests.contracts.number_plan import PLAN, Row
from tests.telephony.lines import Callee, Line

ASK = Gather(
    prompt=[Play("Нажмите один.")],
    branches={"1": (Play("Спасибо."), HangUp())},
    tries=2,
    seconds=2,
    unheard=[Play("А.")],
)
# Where the callee finds our number.
SHOWN = {"asterisk": "from", "sip": "shown"}
_numbers = itertools.count(1)


def request(ending: str, **values: object) -> CallRequest:
    """A call to a number of its own that ends in ``ending``."""
    number = next(_numbers)
    usual = {"reference": f"t-{number}", "to": f"+7925{number:05}{ending}", "scenario": (ASK,), "ring_seconds": 5}
    usual |= {"kind": CallKind.CAMPAIGN, "caller_id": "+74951234567", "longest_seconds": 40}
    return CallRequest(**{**usual, **values})


def check_plan(line: Line, callee: Callee) -> None:
    """All numbers of the plan at once; machines are looked for where the line can."""
    detects = not line.provider.unsupported((ASK,), detect_machine=True)
    calls: list[tuple[Row, CallRequest]] = [
        (
            row if detects else row.undetected(),
            request(row.ending, detect_machine=detects and row.ending in ("11", "14")),
        )
        for row in PLAN
    ]
    assert line.provider.place([call for _, call in calls]) == len(PLAN)
    wrong = {}
    for row, call in calls:
        last = line.ears.wait_for_end(call.reference)
        found = (last.data["cause"], last.data["digits"], last.data["by"])
        if found != (row.cause, row.digits, row.by):
            wrong[row.ending] = dict(last.data)
    assert wrong == {}
    assert all(len(callee.seen("invite", call.to)) == 1 for _, call in calls)


def check_label(line: Line, callee: Callee) -> None:
    """The longest label in Russian, with signs that mean something in SIP."""
    label = "Ромашка, доставка; ООО 50% (№1)="
    assert len(label) == 32
    call = request("04", caller_id="+74951112233", caller_name=label)
    line.provider.place([call])
    assert line.ears.wait_for_end(call.reference).data["cause"] == Cause.BUSY
    shown = str(callee.seen(SHOWN[line.provider.name], call.to)[0]["what"])
    assert f'"{label}" <sip:+74951112233@' in shown
