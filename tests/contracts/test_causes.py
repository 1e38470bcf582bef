"""Why a call ended that nobody answered, from the codes of the line."""

import pytest

from callcab.providers.telephony.asterisk import causes
from callcab.providers.telephony.base import Cause


@pytest.mark.parametrize(("q850", "sip"), [(58, 488), (58, 0), (0, 415)])
def test_a_refusal_that_we_know_no_meaning_of_is_not_the_silence_of_the_callee(q850: int, sip: int) -> None:
    assert causes.of(q850, sip, "NOANSWER") is Cause.CONGESTION


@pytest.mark.parametrize(
    ("q850", "dialled", "cause"),
    [(0, "NOANSWER", Cause.NO_ANSWER), (16, "BUSY", Cause.BUSY), (0, "", Cause.CONGESTION)],
)
def test_without_a_code_that_says_anything_the_state_of_the_dialling_decides(
    q850: int, dialled: str, cause: Cause
) -> None:
    assert causes.of(q850, 0, dialled) is cause
