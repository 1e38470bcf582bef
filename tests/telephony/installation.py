"""callcab as operators run it over a real Asterisk: database, queue, worker, timetable and dialer, each a process of
its own that can be killed. Everybody who is called is a second Asterisk, whose list shows who was rung, and how often.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from callcab import migrate
from callcab.config import Settings
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from tests.telephony.lines import ROOT
from tests.telephony.server import PASSWORD, AsteriskServer, fetch

ROLES = ("worker", "tick", "dialer")
# Everybody is on the list before anything else happens. By the last two digits: 04 is busy, 07 does not exist, 05 hangs
# up without a word; whoever else answers, presses 1 after a second and stays until we hang up.
EVERYBODY = """[from-carrier]
exten => _[+0-9]!,1,Set(FILE({rung},,,al,u)=${{EXTEN}})
 same => n,GotoIf($["${{EXTEN:-2}}"="04"]?busy)
 same => n,GotoIf($["${{EXTEN:-2}}"="07"]?unknown)
 same => n,Answer()
 same => n,GotoIf($["${{EXTEN:-2}}"="05"]?short)
 same => n,Wait(1)
 same => n,SendDTMF(1)
 same => n,Wait(30)
 same => n,Hangup()
 same => n(busy),Hangup(17)
 same => n(unknown),Hangup(1)
 same => n(short),Wait(0.4)
 same => n,Hangup(16)
"""


class Installation:
    """All of it in one folder. ``lines`` is how many calls there may be at once."""

    def __init__(self, folder: Path, lines: int) -> None:
        unpacked = fetch()
        self.rung_log = folder / "rung"
        everybody = EVERYBODY.format(rung=self.rung_log)
        # Who talks with an Asterisk that is killed hears nothing of it and stays on the line.
        self.callees = AsteriskServer(unpacked, folder / "callees", 9, calls=lines * 5 + 50, dialplan=everybody)
        self.pbx = AsteriskServer(unpacked, folder / "pbx", self.callees.sip_port, calls=lines + 50)
        self.postgres = EmbeddedPostgres(data_dir=folder / "pg", profile="server")
        self.valkey = EmbeddedValkey(data_dir=folder / "kv", profile="server")
        self.log = folder / "log"
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def settings(self) -> Settings:
        return Settings(redis_url=self.valkey.url, database_url=self.postgres.app_url())

    def start_servers(self) -> None:
        for server in (self.callees, self.pbx, self.postgres, self.valkey):
            server.start()
        migrate.upgrade(self.postgres.owner_url(), app_url=self.postgres.app_url())

    def start(self, role: str) -> None:
        """``callcab worker``, ``callcab tick`` or ``callcab dialer``."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CALLCAB_")}
        environ |= {
            "CALLCAB_DATABASE_URL": self.postgres.app_url(),
            "CALLCAB_REDIS_URL": self.valkey.url,
            "CALLCAB_DATA_DIR": str(self.folder),
            "CALLCAB_TELEPHONY": "asterisk",
            "CALLCAB_ARI_URL": self.pbx.url,
            "CALLCAB_ARI_PASSWORD": PASSWORD,
            "CALLCAB_ARI_ENDPOINT": "PJSIP/{e164}@carrier",
            "CALLCAB_ARI_SOUNDS": str(self.pbx.sounds),
        }
        with self.log.open("ab") as log:
            self.processes[role] = subprocess.Popen(
                [sys.executable, "-m", "callcab", role], cwd=ROOT, env=environ, stderr=log, start_new_session=True
            )

    def kill(self, role: str) -> None:
        """kill -9 of a role and all its children, or of ``asterisk``; as a supervisor would, start it anew."""
        if role == "asterisk":
            self.pbx.kill()
            self.pbx.start()
        else:
            self._end(role)
            self.start(role)

    def rung(self) -> Counter[str]:
        """How often each number was rung, by the word of its telephone."""
        return Counter(self.rung_log.read_text().split() if self.rung_log.exists() else ())

    def cpu(self) -> dict[str, float]:
        """Seconds of processor that each part has used."""
        used = {role: _of_session(process.pid) for role, process in self.processes.items()}
        used["PostgreSQL"] = _of_family(self.postgres.pid)
        used["Valkey"] = _of_family(self.valkey.pid)
        for name, server in (("Asterisk", self.pbx), ("callees", self.callees)):
            used[name] = _of_family(server.process.pid if server.process else None)
        return used

    def stop(self) -> None:
        for role in list(self.processes):
            self._end(role)
        for server in (self.valkey, self.postgres, self.pbx, self.callees):
            server.stop()

    def _end(self, role: str) -> None:
        process = self.processes.pop(role)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextlib.contextmanager
def installed(folder: Path, lines: int) -> Iterator[Installation]:
    """Servers that run, a database that is migrated; no role of ours yet."""
    made = Installation(folder, lines)
    try:
        made.start_servers()
        yield made
    finally:
        made.stop()


def _of_session(leader: int) -> float:
    return _sum(lambda pid, parent, session: session == leader)


def _of_family(head: int | None) -> float:
    return _sum(lambda pid, parent, session: head in (pid, parent)) if head else 0.0


def _sum(mine: Callable[[int, int, int], bool]) -> float:
    """Seconds of processes and of those of their children that are over; ``mine`` takes pid, parent and session."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                if mine(int(entry.name), int(fields[1]), int(fields[3])):
                    total += sum(int(value) for value in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")
