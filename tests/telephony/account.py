"""Our account at the callee's gate, for calls without a PBX. Imported only where baresip is installed."""

from pathlib import Path

from callcab.providers.telephony.sip import Sip, SipAccount
from tests.telephony.callee import PASSWORD, USER
from tests.telephony.lines import Callee, Way
from tests.telephony.server import HOST, free_port


def through_account(callee: Callee, folder: Path, **values: object) -> Way:
    """``values`` are fields of SipAccount; without any it registers and proves its password."""
    port = free_port()
    usual = {"user": USER, "host": f"{HOST}:{callee.port}", "password": PASSWORD, "listen": f"{HOST}:{port}"}
    account = SipAccount(**{**usual, **values})
    environ = {
        "CALLCAB_SIP_ACCOUNT": f"sip:{account.user}@{account.host}",
        "CALLCAB_SIP_PASSWORD": account.password,
        "CALLCAB_SIP_LISTEN": account.listen,
        "CALLCAB_ARI_SOUNDS": str(folder),
    }
    return Way("sip", lambda url, sounds: Sip(url, account, sounds), folder, port, environ)
