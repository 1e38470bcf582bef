"""Companies from DaData (rule L3): one request of three seconds at most, and a rest after a row of failures."""

import json
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from callcab.providers.company.base import CompanyInfo, Unavailable, line, status_of

ADDRESS = "https://suggestions.dadata.ru/suggestions/api/4_1/rs/findById/party"
TIMEOUT = 3.0
# An honest answer is some kilobytes; more is not read.
LARGEST_ANSWER = 256 * 1024
FAILURES_TO_OPEN = 5
REST_SECONDS = 60.0
KEEP_SECONDS = 24 * 3600.0
KEPT_ANSWERS = 2000


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key must not follow a redirect to another host."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class DadataDirectory:
    """Asks DaData; answers are kept for 24 hours in this process, after 5 failures it rests for a minute (F-14)."""

    def __init__(
        self,
        token: str,
        *,
        address: str = ADDRESS,
        timeout: float = TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._address = address
        self._timeout = timeout
        self._monotonic = monotonic
        self._open = urllib.request.build_opener(_NoRedirect).open
        self._lock = Lock()
        self._answers: OrderedDict[str, tuple[float, tuple[CompanyInfo, ...]]] = OrderedDict()
        self._failures = 0
        self._rest_until = 0.0

    def __repr__(self) -> str:
        return "DadataDirectory()"

    def find(self, inn: str) -> Sequence[CompanyInfo]:
        with self._lock:
            now = self._monotonic()
            kept = self._answers.get(inn)
            if kept and now - kept[0] < KEEP_SECONDS:
                return kept[1]
            if now < self._rest_until:
                raise Unavailable("resting after failures")
        try:
            found = self._ask(inn)
        except Unavailable:
            self._count_failure()
            raise
        with self._lock:
            self._failures = 0
            self._answers[inn] = (self._monotonic(), found)
            self._answers.move_to_end(inn)
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return found

    def _count_failure(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._failures = 0
                self._rest_until = self._monotonic() + REST_SECONDS

    def _ask(self, inn: str) -> tuple[CompanyInfo, ...]:
        request = urllib.request.Request(  # noqa: S310 - a fixed https address, named at construction
            self._address,
            data=json.dumps({"query": inn, "branch_type": "MAIN"}).encode(),
            headers={
                "Authorization": f"Token {self._token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        try:
            with self._open(request, timeout=self._timeout) as answer:
                body = self._read(answer)
        except urllib.error.HTTPError as problem:
            problem.close()
            raise Unavailable(f"HTTP {problem.code}") from None
        except (OSError, ValueError) as problem:
            raise Unavailable(type(problem).__name__) from None
        return _companies(inn, body)

    def _read(self, answer: Any) -> bytes:
        """The body; the timeout of the socket is per read, so a dripping server is cut off by the clock."""
        deadline = self._monotonic() + self._timeout
        parts, size = [], 0
        while part := answer.read1(16 * 1024):
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER:
                raise Unavailable("the answer is too large")
            if self._monotonic() > deadline:
                raise Unavailable("the answer is too slow")
        return b"".join(parts)


def _companies(inn: str, body: bytes) -> tuple[CompanyInfo, ...]:
    """The companies of an answer, head office first. Unavailable for nonsense or for another INN (rule L5)."""
    try:
        suggestions = json.loads(body)["suggestions"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unavailable("the answer is not what was asked for") from None
    if not isinstance(suggestions, list) or not all(isinstance(item, dict) for item in suggestions):
        raise Unavailable("the answer is not what was asked for")
    items = [(item, _part(item, "data")) for item in suggestions]
    if any(line(data.get("inn")) != inn for _, data in items):
        raise Unavailable("the answer is about another company")
    items.sort(key=lambda pair: line(pair[1].get("branch_type")) == "BRANCH")
    return tuple(_company(item, data) for item, data in items)


def _company(item: dict[str, Any], data: dict[str, Any]) -> CompanyInfo:
    name, address = _part(data, "name"), _part(data, "address")
    return CompanyInfo(
        inn=line(data.get("inn")),
        kpp=line(data.get("kpp")),
        ogrn=line(data.get("ogrn")),
        name=line(name.get("short_with_opf")) or line(name.get("full_with_opf")) or line(item.get("value")),
        address=line(address.get("unrestricted_value")) or line(address.get("value")),
        head=line(_part(data, "management").get("name")) or _person(_part(data, "fio")),
        status=status_of(_part(data, "state").get("status")),
    )


def _person(fio: dict[str, Any]) -> str:
    return " ".join(filter(None, (line(fio.get(key)) for key in ("surname", "name", "patronymic"))))


def _part(data: dict[str, Any], key: str) -> dict[str, Any]:
    """An inner object; any of them may be null or of a wrong type."""
    found = data.get(key)
    return found if isinstance(found, dict) else {}
