"""How the line reaches people, and what our channels are called there."""

from dataclasses import dataclass

LEG = ".leg"
# What is in front of an endpoint's name when the line can be asked about it: Asterisk's own module, an account of ours.
CHECKED = ("PJSIP", "ACCOUNT")


@dataclass(frozen=True)
class Trunk:
    """How to reach people through this line: application, template of the endpoint, dialplan context of AMD."""

    app: str
    endpoint: str
    machine_context: str

    @property
    def resource(self) -> str:
        """Technology and name of the endpoint, as ``PJSIP/trunk``; empty when the template doesn't show it."""
        technology, _, rest = self.endpoint.partition("/")
        behind = technology == "ACCOUNT" or (rest.startswith("{") and "@" in rest)
        found = rest.rpartition("@")[2] if behind else rest.partition("/")[0]
        return f"{technology}/{found}" if technology in CHECKED and "{" not in found else ""

    def address(self, number: str) -> str:
        return self.endpoint.replace("{number}", number.lstrip("+")).replace("{e164}", number)

    def channel(self, reference: str) -> str:
        """The id of a call's channel; made of the reference, so that Asterisk refuses a second one."""
        return f"{self.app}-{reference}"

    def reference(self, channel: str) -> str | None:
        """Whose channel or leg it is; None when the id is not of our making."""
        prefix = f"{self.app}-"
        return channel.removeprefix(prefix).removesuffix(LEG) if channel.startswith(prefix) else None
