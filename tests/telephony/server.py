"""A real Asterisk in a folder of its own, with one trunk to our callee; nothing of this machine is touched."""

import itertools
import platform
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

SCRIPT = Path(__file__).with_name("fetch-asterisk")
SUITES = ("sid", "bullseye")
HOST = "127.0.0.1"
PASSWORD = "test-ari-password"
MACHINE = f"{platform.machine()}-linux-gnu"
READY_S = 20
# Only what is needed: it starts faster and opens no socket that nobody asked for. Some exist in newer versions only.
MODULES = """
res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd res_pjproject res_pjsip res_pjsip_pubsub
res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_dtmf_info res_pjsip_rfc3326 res_pjsip_header_funcs
res_pjsip_nat res_pjsip_dlg_options res_pjsip_logger res_pjsip_endpoint_identifier_ip
res_pjsip_endpoint_identifier_user res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest
res_pjsip_outbound_registration res_pjsip_registrar res_rtp_asterisk chan_pjsip res_http_websocket
res_websocket_client res_stasis res_stasis_answer res_stasis_playback res_stasis_recording res_stasis_snoop res_ari
res_ari_model res_ari_applications res_ari_asterisk res_ari_bridges res_ari_channels res_ari_endpoints res_ari_events
res_ari_playbacks res_ari_recordings res_ari_sounds app_stasis pbx_config app_dial app_playback app_amd func_callerid
func_channel func_logic func_strings func_hangupcause func_timeout func_dialplan codec_alaw codec_ulaw codec_gsm
codec_resample codec_a_mu format_wav format_pcm format_gsm format_sln bridge_simple bridge_holding bridge_softmix
bridge_native_rtp bridge_builtin_features app_senddtmf app_echo func_env
"""
EMPTY = ("cdr", "cel", "features", "acl", "udptl", "pjproject", "stasis", "ccss", "indications", "manager", "codecs")
_rtp_ports = [random.randrange(30000, 40000, 1000)]
_ports = itertools.count(random.randrange(21000, 28000, 500), 10)


class NoAsterisk(Exception):
    """Neither suite could be fetched; the message says why."""


def fetch(*suites: str) -> Path:
    """The folder of an unpacked Asterisk: the first of the suites that can be had. Raises NoAsterisk."""
    reasons = []
    for suite in suites or SUITES:
        done = subprocess.run([SCRIPT, suite], capture_output=True, text=True, timeout=600)
        if done.returncode == 0:
            return Path(done.stdout.strip().splitlines()[-1])
        reasons.append(f"{suite}: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    raise NoAsterisk("the mirror has no asterisk that could be fetched: " + "; ".join(reasons))


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """A port of the loopback address that nobody listens on."""
    for port in _ports:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("endless")


class AsteriskServer:
    """One Asterisk process. ``trunk_port`` is where its only trunk, "carrier", sends calls to."""

    def __init__(self, unpacked: Path, folder: Path, trunk_port: int, calls: int = 100, dialplan: str = "") -> None:
        self.root = unpacked / "root"
        self.folder = folder
        self.http_port = free_port(socket.SOCK_STREAM)
        self.sip_port = free_port()
        self.calls = calls
        self.process: subprocess.Popen[bytes] | None = None
        self.sounds = folder / "sounds"
        self._write(trunk_port, dialplan or EXTENSIONS)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @property
    def suite(self) -> str:
        return self.root.parent.name

    def start(self) -> None:
        """Start it and wait until it answers. RuntimeError with its own words when it doesn't."""
        loader = next(self._find("ld-linux*.so.*"))
        libraries = ":".join(str(self.root / part) for part in (f"usr/lib/{MACHINE}", f"lib/{MACHINE}", "usr/lib"))
        with (self.folder / "console.log").open("ab") as log:
            self.process = subprocess.Popen(
                [loader, "--library-path", libraries, self.root / "usr/sbin/asterisk", "-f", "-C"]
                + [self.folder / "etc/asterisk.conf"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            if self.get("asterisk/info") == 200:
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError("Asterisk did not start: " + (self.folder / "console.log").read_text()[-2000:])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """As a power cut would: nothing is said to anybody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def get(self, path: str, password: str = PASSWORD) -> int:
        """The status of a GET; 0 when nobody answers."""
        asked = urllib.request.Request(f"{self.url}/ari/{path}")
        asked.add_header("Authorization", "Basic " + b64encode(f"callcab:{password}".encode()).decode())
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            return problem.code
        except OSError:
            return 0

    def _find(self, pattern: str):  # type: ignore[no-untyped-def]
        for part in (f"usr/lib/{MACHINE}", f"lib/{MACHINE}"):
            yield from sorted((self.root / part).glob(pattern))

    def _write(self, trunk_port: int, dialplan: str) -> None:
        modules = next(
            path
            for path in (f"usr/lib/{MACHINE}/asterisk/modules", "usr/lib/asterisk/modules")
            if (self.root / path / "chan_pjsip.so").exists()
        )
        made = {name: self.folder / name for name in ("etc", "var", "db", "keys", "data", "agi", "spool", "run", "log")}
        for path in (*made.values(), self.sounds):
            path.mkdir(parents=True, exist_ok=True)
        share = self.root / "usr/share/asterisk"
        for name in ("documentation", "rest-api"):
            if (share / name).exists() and not (made["data"] / name).exists():
                (made["data"] / name).symlink_to(share / name)
        (made["data"] / "sounds").mkdir(exist_ok=True)
        # Two ports a call for each of our servers, and none of another's.
        first = _rtp_ports[0]
        _rtp_ports[0] += self.calls * 4 + 40
        present = [name for name in MODULES.split() if (self.root / modules / f"{name}.so").exists()]
        directories = {"astetcdir": "etc", "astvarlibdir": "var", "astdbdir": "db", "astkeydir": "keys"}
        directories |= {"astdatadir": "data", "astagidir": "agi", "astspooldir": "spool", "astrundir": "run"}
        directories |= {"astlogdir": "log"}
        texts = dict.fromkeys(EMPTY, "") | {
            "asterisk": "[directories]\n"
            + f"astmoddir => {self.root / modules}\n"
            + "".join(f"{key} => {made[name]}\n" for key, name in directories.items()),
            "modules": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in present),
            "logger": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
            "amd": "[general]\n",
            "rtp": f"[general]\nrtpstart = {first}\nrtpend = {first + self.calls * 4 + 20}\nicesupport = no\n",
            "http": HTTP.format(host=HOST, port=self.http_port),
            "ari": ARI.format(password=PASSWORD),
            "pjsip": PJSIP.format(host=HOST, port=self.sip_port, trunk=trunk_port),
            "extensions": dialplan,
        }
        for name, text in texts.items():
            (made["etc"] / f"{name}.conf").write_text(text)


HTTP = """[general]
enabled = yes
bindaddr = {host}
bindport = {port}
sessionlimit = 1000
"""
ARI = """[general]
enabled = yes
[callcab]
type = user
read_only = no
password = {password}
"""
PJSIP = """[transport-udp]
type = transport
protocol = udp
bind = {host}:{port}
[carrier]
type = aor
contact = sip:{host}:{trunk}
[carrier]
type = endpoint
transport = transport-udp
context = from-carrier
disallow = all
allow = alaw,ulaw
aors = carrier
dtmf_mode = auto_info
direct_media = no
rtp_symmetric = yes
media_address = {host}
bind_rtp_to_media_address = yes
send_pai = yes
trust_id_outbound = yes
send_connected_line = no
[carrier]
type = identify
endpoint = carrier
match = {host}
"""
EXTENSIONS = """[from-carrier]
exten => _[+0-9]!,1,Stasis(callcab,inbound,${EXTEN},${CALLERID(num)})
 same => n,Hangup()
[callcab-amd]
exten => s,1,AMD()
 same => n,Stasis(callcab,amd,${AMDSTATUS},${AMDCAUSE})
 same => n,Hangup()
"""


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
