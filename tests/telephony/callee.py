"""A telephone company of one process: whoever is called behaves by the last two digits of his number.

Answering, ringing and digits are done by baresip, a SIP stack that has nothing to do with ours or Asterisk's. It can't
refuse with every code, so a gate of a few lines stands before it: it turns away some numbers itself and hands all else
on. It is an operator too: who calls from the account ``USER`` has to register and to prove its password, each time.
A line of the log for each thing that happened: the parent reads who was rung and how often.

    python -m tests.telephony.callee GATE_PORT SIP_PORT LOG
"""

import asyncio
import contextlib
import hashlib
import json
import math
import re
import struct
import sys
import time
from array import array
from pathlib import Path

from baresip import Account, BaresipError, Config, Event, Runtime, UserAgent

HOST = "127.0.0.1"
USER, PASSWORD, REALM, NONCE = "cab", "test-sip-password", "operator", "0f5a"
CODES = {"07": "404 Not Found", "08": "603 Decline", "12": "503 Service Unavailable", "16": "502 Bad Gateway"}
RATE = 8000
# A machine says a long sentence at once; a person says one short word and waits.
MACHINE_TONE_S, HELLO_TONE_S = 6.0, 0.7
# A sample as loud as this is somebody's voice and no noise of the line.
LOUD = 2000
NUMBER = re.compile(rb"^INVITE sips?:([^@;>\s]+)", re.IGNORECASE)


class Log:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def write(self, number: str, what: str) -> None:
        self._file.write(json.dumps({"at": time.time(), "number": number, "what": what}) + "\n")


class Gate(asyncio.DatagramProtocol):
    """Hands datagrams on to baresip and its answers back; refuses some numbers by itself."""

    def __init__(self, log: Log, inside: tuple[str, int]) -> None:
        self.log, self.inside = log, inside
        self.seen: set[bytes] = set()
        # Of each request that the gate answered by itself; its ACK is for the gate too.
        self.answered: set[bytes] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address == self.inside:
            self.transport.sendto(data, _via(data))
            return
        asked = _challenge(data)
        if asked or data.startswith(b"REGISTER"):
            contact = f"Contact: {_header(data, b'Contact').decode()};expires=600"
            self._answer(data, address, asked or f"200 OK\r\n{contact}")
            return
        found = NUMBER.match(data)
        if found:
            number = found[1].decode()
            self._note(data, number)
            if number.endswith("06"):
                # Offered no digits in the sound, baresip sends them by SIP INFO; as long as before, so nothing moves.
                data = data.replace(b"telephone-event", b"telephone-nothing"[:15])
            refusal = CODES.get(number[-2:])
            if refusal:
                self._answer(data, address, refusal)
                return
        elif data.startswith(b"ACK") and _branch(data) in self.answered:
            return
        elif data.startswith(b"CANCEL"):
            self.log.write(_dialled(data), "cancel")
        self.transport.sendto(data, self.inside)

    def _answer(self, data: bytes, address: tuple[str, int], status: str) -> None:
        self.answered.add(_branch(data))
        self.transport.sendto(_reply(data, status), address)

    def _note(self, data: bytes, number: str) -> None:
        call = _header(data, b"Call-ID")
        if call not in self.seen:
            self.seen.add(call)
            self.log.write(number, "invite")
            self.log.write(number, "from " + _header(data, b"From").decode())
            self.log.write(number, "shown " + _header(data, b"P-Asserted-Identity").decode())


def _header(data: bytes, name: bytes) -> bytes:
    found = re.search(rb"^" + name + rb"\s*:\s*(.+?)\r?$", data, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else b""


def _dialled(data: bytes) -> str:
    found = re.search(r"sips?:([^@;>\s]+)@", _header(data, b"To").decode())
    return found[1] if found else ""


def _via(data: bytes) -> tuple[str, int]:
    found = re.search(rb"SIP/2\.0/UDP\s+([0-9.]+):(\d+)", data)
    assert found, data
    return found[1].decode(), int(found[2])


def _branch(data: bytes) -> bytes:
    return _header(data, b"Via").partition(b"branch=")[2].partition(b";")[0]


def _reply(data: bytes, status: str) -> bytes:
    lines = [f"SIP/2.0 {status}".encode()]
    for name in (b"Via", b"From", b"Call-ID", b"CSeq"):
        lines.append(name + b": " + _header(data, name))
    lines.append(b"To: " + _header(data, b"To") + b";tag=gate")
    return b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])


def _challenge(data: bytes) -> str:
    """What a request of our account is told that doesn't prove its password; empty when all is well."""
    method = data.partition(b" ")[0].decode()
    if method not in ("REGISTER", "INVITE") or f"sip:{USER}@".encode() not in _header(data, b"From"):
        return ""
    kind, status = ("Authorization", "401") if method == "REGISTER" else ("Proxy-Authorization", "407")
    said = dict(re.findall(r'(\w+)="?([^",]+)', _header(data, kind.encode()).decode()))
    secret = _md5(USER, REALM, PASSWORD)
    middle = (said["nc"], said["cnonce"], said["qop"]) if "qop" in said else ()
    if said and said["response"] == _md5(secret, NONCE, *middle, _md5(method, said["uri"])):
        return ""
    name = "WWW-Authenticate" if method == "REGISTER" else "Proxy-Authenticate"
    return f'{status} Prove it\r\n{name}: Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5, qop="auth"'


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def tone(seconds: float) -> bytes:
    """Something as loud and as uneven as a voice."""
    samples = (
        int(9000 * math.sin(2 * math.pi * 220 * n / RATE) * (0.6 + 0.4 * math.sin(2 * math.pi * 4 * n / RATE)))
        for n in range(int(seconds * RATE))
    )
    return b"".join(struct.pack("<h", value) for value in samples)


async def speak(call, seconds: float) -> None:  # type: ignore[no-untyped-def]
    sound = tone(seconds)
    step = RATE // 10 * 2
    for start in range(0, len(sound), step):
        call.audio.write(sound[start : start + step])
        await asyncio.sleep(0.095)


async def listen(call, log: Log, number: str) -> None:  # type: ignore[no-untyped-def]
    """Note when a voice is heard for the first time."""
    loudest = 0
    while loudest < LOUD:
        await asyncio.sleep(0.05)
        heard = array("h", call.audio.read(RATE))
        loudest = max((abs(value) for value in heard), default=0)
    log.write(number, "heard a voice")


class People:
    """What each number does when it rings."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.tasks: set[asyncio.Task[None]] = set()

    def incoming(self, call) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.get_running_loop().create_task(self._behave(call))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _behave(self, call) -> None:  # type: ignore[no-untyped-def]
        found = re.search(r"sips?:([^@;>\s]+)@", call.headers.get("To", ""))
        number = found[1] if found else ""
        closed = asyncio.Event()

        def heard(event) -> None:  # type: ignore[no-untyped-def]
            if event.event is Event.CALL_CLOSED:
                self.log.write(number, "closed")
                closed.set()

        call.on(heard)
        acting = asyncio.ensure_future(self._act(call, number, number[-2:]))
        await asyncio.wait([acting, asyncio.ensure_future(closed.wait())], return_when=asyncio.FIRST_COMPLETED)
        acting.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaresipError):
            await acting

    async def _act(self, call, number: str, ending: str) -> None:  # type: ignore[no-untyped-def]
        self.log.write(number, "ringing")
        if ending == "03":
            await asyncio.sleep(3600)
        await asyncio.sleep(3 if ending == "13" else 0.4)
        if ending == "04":
            await call.reject()
            return
        await call.answer()
        await call.wait_established()
        self.log.write(number, "answered")
        if ending == "05":
            await asyncio.sleep(1.2)
            await call.hangup()
        elif ending in ("11", "14"):
            await asyncio.sleep(0.3)
            await speak(call, MACHINE_TONE_S if ending == "11" else HELLO_TONE_S)
        digits = {"01": "1", "02": "2", "06": "1", "09": "9", "13": "1", "15": "51"}.get(ending, "")
        for digit in digits:
            await asyncio.sleep(1.0)
            await call.send_dtmf(digit)
            self.log.write(number, f"pressed {digit}")
            await asyncio.sleep(0.6)
        await listen(call, self.log, number)
        await asyncio.sleep(3600)


class Callers:
    """People who call: an order says from whom, to where, how long they speak, what they press, when they hang up."""

    def __init__(self, log: Log, runtime: Runtime) -> None:
        self.log, self.runtime = log, runtime
        self.tasks: set[asyncio.Task[None]] = set()

    def call(self, order: dict[str, object]) -> None:
        task = asyncio.get_running_loop().create_task(self._call(order))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _call(self, order) -> None:  # type: ignore[no-untyped-def]
        caller = str(order["from"])
        account = Account(caller, str(order["pbx"]), "", reg_interval=0, dtmf_mode="auto", audio_codecs=("pcma",))
        agent = await UserAgent.create(self.runtime, account)
        call = await agent.dial(f"sip:{order['to']}@{order['pbx']}")
        closed = asyncio.Event()

        def heard(event) -> None:  # type: ignore[no-untyped-def]
            if event.event is Event.CALL_CLOSED:
                self.log.write(caller, f"call ended {event.text or ''}")
                closed.set()

        call.on(heard)
        try:
            await call.wait_established(float(order.get("patience", 30)))
        except BaresipError as problem:
            self.log.write(caller, f"call failed {type(problem).__name__} {getattr(problem, 'status', '')}")
            if not closed.is_set():
                await call.hangup()
            return
        self.log.write(caller, "call answered")
        ears = asyncio.ensure_future(listen(call, self.log, caller))
        await speak(call, float(order.get("says", 0)))
        for digit in str(order.get("press", "")):
            await asyncio.sleep(1.0)
            await call.send_dtmf(digit)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(order.get("seconds", 60))):
                await closed.wait()
        ears.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaresipError):
            await ears
        if not closed.is_set():
            await call.hangup()


async def main(gate_port: int, sip_port: int, path: str) -> None:
    log = Log(Path(path))
    runtime = Runtime()
    listen = f"sip_listen {HOST}:{sip_port}\n"
    await runtime.start(
        Config(net_interface=HOST, max_concurrent_calls=None, expose_headers=("To",), extra_config_text=listen)
    )
    account = Account(
        "callee",
        f"{HOST}:{gate_port}",
        "",
        reg_interval=0,
        dtmf_mode="auto",
        audio_codecs=("pcma", "pcmu"),
        extra_params=("catchall=yes",),
    )
    agent = await UserAgent.create(runtime, account)
    agent.on_incoming(People(log).incoming)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Gate(log, (HOST, sip_port)), local_addr=(HOST, gate_port))
    log.write("", "ready")
    callers = Callers(log, runtime)
    # The end of it means that the parent went away, or wants us to go.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        callers.call(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
