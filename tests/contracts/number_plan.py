"""What the last two digits of a number mean, for every provider, and what each service makes of it."""

from dataclasses import dataclass, replace

from callcab.providers.telephony.base import Cause


@dataclass(frozen=True)
class Row:
    """One kind of callee: what the provider tells, and the outcome of a verification and of a campaign's call.

    A machine is found only where the request says so; the simulator always knows.
    """

    ending: str
    does: str
    cause: Cause
    digits: str
    by: str
    verification: str
    campaign: str

    def undetected(self) -> "Row":
        """What comes of it when nobody listens for machines: one that says nothing and presses nothing."""
        if self.cause is not Cause.MACHINE:
            return self
        return replace(self, cause=Cause.ANSWERED, verification="no_input", campaign="completed")


PLAN = (
    Row("01", "presses 1", Cause.ANSWERED, "1", "us", "verified", "completed"),
    Row("02", "presses 2", Cause.ANSWERED, "2", "us", "wrong_digit", "completed"),
    Row("03", "rings for ever", Cause.NO_ANSWER, "", "us", "no_answer", "no_answer"),
    Row("04", "busy", Cause.BUSY, "", "them", "busy", "busy"),
    Row("05", "hangs up", Cause.ANSWERED, "", "them", "hangup_before_digit", "hangup_before_digit"),
    Row("06", "presses 1 by SIP INFO", Cause.ANSWERED, "1", "us", "verified", "completed"),
    Row("07", "no such number", Cause.UNALLOCATED, "", "them", "unallocated", "unallocated"),
    Row("08", "declines", Cause.REJECTED, "", "them", "rejected", "rejected"),
    Row("09", "presses 9", Cause.ANSWERED, "9", "us", "wrong_digit", "completed"),
    Row("10", "silent, stays", Cause.ANSWERED, "", "us", "no_input", "completed"),
    Row("11", "answering machine", Cause.MACHINE, "", "us", "machine", "machine"),
    Row("12", "network failure", Cause.CONGESTION, "", "them", "congestion", "congestion"),
    Row("13", "rings, then presses 1", Cause.ANSWERED, "1", "us", "verified", "completed"),
    Row("14", "says hello, silent", Cause.ANSWERED, "", "us", "no_input", "completed"),
    Row("15", "presses 5, then 1", Cause.ANSWERED, "51", "us", "verified", "completed"),
    Row("16", "unavailable", Cause.UNREACHABLE, "", "them", "unreachable", "unreachable"),
)
