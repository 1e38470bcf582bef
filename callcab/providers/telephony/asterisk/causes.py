"""Why a call that nobody answered ended, from what the line says.

The SIP code decides where there is one (Asterisk 20.17, 22.7 and newer), else the Q.850 cause, else the state of the
dialling. Our own ring timeout is told by nothing of these: 19 with 480 on one version, 0 on another. So the clock and
the absence of any word from the other side decide.
"""

from collections.abc import Mapping

from callcab.providers.telephony.base import Cause

SIP: Mapping[int, Cause] = {
    **dict.fromkeys((401, 403, 407, 603, 607, 608), Cause.REJECTED),
    **dict.fromkeys((404, 410, 484, 604), Cause.UNALLOCATED),
    **dict.fromkeys((408, 480, 487), Cause.NO_ANSWER),
    **dict.fromkeys((486, 600), Cause.BUSY),
    **dict.fromkeys((420, 502), Cause.UNREACHABLE),
}
Q850: Mapping[int, Cause] = {
    **dict.fromkeys((1, 22, 28), Cause.UNALLOCATED),
    **dict.fromkeys((3, 27), Cause.UNREACHABLE),
    **dict.fromkeys((18, 19, 20, 102), Cause.NO_ANSWER),
    17: Cause.BUSY,
    21: Cause.REJECTED,
    **dict.fromkeys((34, 38, 41, 42), Cause.CONGESTION),
}
# Such as 488, no codec in common: a refusal, whose meaning we don't know.
REFUSED = 400
# Not told, and "somebody hung up".
SAYS_NOTHING = (0, 16)
DIAL: Mapping[str, Cause] = {"BUSY": Cause.BUSY, "NOANSWER": Cause.NO_ANSWER, "CONGESTION": Cause.CONGESTION}
# What an incoming caller who is turned away hears; names of ARI's hang-up reasons.
REASONS: Mapping[Cause, str] = {
    Cause.BUSY: "busy",
    Cause.NO_ANSWER: "no_answer",
    Cause.REJECTED: "rejected",
    Cause.UNALLOCATED: "unallocated",
    Cause.UNREACHABLE: "congestion",
    Cause.CONGESTION: "congestion",
}


def of(q850: int, sip: int, dialled: str) -> Cause:
    """The cause that the other side gave; CONGESTION when it makes no sense to us."""
    known = SIP.get(sip) or Q850.get(q850)
    if known is None and sip < REFUSED and q850 in SAYS_NOTHING:
        known = DIAL.get(dialled)
    return known or Cause.CONGESTION


def reason(cause: Cause) -> str:
    """How to turn an incoming caller away because of ``cause``."""
    return REASONS.get(cause, "rejected")
