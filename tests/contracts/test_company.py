"""What every company look-up keeps: known, unknown, away, slow, limited, nonsense (rules L1-L6, F-14)."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from callcab.providers.company import (
    CompanyInfo,
    CompanyStatus,
    DadataDirectory,
    FileDirectory,
    NoDirectory,
    Unavailable,
    make,
)

INN = "7707083893"
SBER = {
    "value": "ПАО СБЕРБАНК",
    "data": {
        "inn": INN,
        "kpp": "773601001",
        "ogrn": "1027700132195",
        "branch_type": "MAIN",
        "name": {"short_with_opf": "ПАО Сбербанк", "full_with_opf": "ПУБЛИЧНОЕ АКЦИОНЕРНОЕ ОБЩЕСТВО"},
        "management": {"name": "Греф Герман Оскарович", "post": "ПРЕЗИДЕНТ"},
        "address": {"value": "г Москва", "unrestricted_value": "117997, г Москва, ул Вавилова, д 19"},
        "state": {"status": "ACTIVE"},
    },
}
EXPECTED = CompanyInfo(
    INN,
    "ПАО Сбербанк",
    "773601001",
    "1027700132195",
    "117997, г Москва, ул Вавилова, д 19",
    "Греф Герман Оскарович",
)


class Register:
    """A register on this machine that answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = json.dumps({"suggestions": [SBER]}).encode()
        self.drip = 0.0
        self.location = ""
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/party"

    def start(self) -> None:
        register = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                register.asked.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(register.status)
                if register.location:
                    self.send_header("Location", register.location)
                self.send_header("Content-Length", str(len(register.body)))
                self.end_headers()
                try:
                    for byte in range(0, len(register.body), 1 if register.drip else len(register.body)):
                        time.sleep(register.drip)
                        self.wfile.write(register.body[byte:] if not register.drip else register.body[byte : byte + 1])
                except OSError:
                    return

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def register() -> Iterator[Register]:
    made = Register()
    made.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def dadata(register: Register, **options: Any) -> DadataDirectory:
    return DadataDirectory("secret-token", address=register.address, **options)


def answer(*suggestions: Any) -> bytes:
    return json.dumps({"suggestions": list(suggestions)}).encode()


def changed(**data: Any) -> dict[str, Any]:
    return {**SBER, "data": {**SBER["data"], **data}}  # type: ignore[dict-item]


def from_dadata(register: Register, folder: Path) -> Any:
    return dadata(register)


def from_file(register: Register, folder: Path) -> Any:
    path = folder / "companies.csv"
    path.write_text(
        "inn;kpp;ogrn;name;address;head;status\n"
        f'{INN};773601001;1027700132195;ПАО Сбербанк;"117997, г Москва, ул Вавилова, д 19";'
        "Греф Герман Оскарович;ACTIVE\n1234567890;;;Неверный ИНН;;;\n",
        encoding="utf-8",
    )
    return FileDirectory(path)


@pytest.mark.parametrize("made", [from_dadata, from_file])
def test_a_known_company_is_found_with_its_requisites(
    made: Callable[[Register, Path], Any], register: Register, tmp_path: Path
) -> None:
    assert list(made(register, tmp_path).find(INN)) == [EXPECTED]


@pytest.mark.parametrize("made", [from_dadata, from_file])
def test_an_unknown_company_is_nothing_and_no_error(
    made: Callable[[Register, Path], Any], register: Register, tmp_path: Path
) -> None:
    register.body = answer()
    assert list(made(register, tmp_path).find("7702070139")) == []


def test_the_question_has_the_documented_shape(register: Register) -> None:
    dadata(register).find(INN)
    _, headers, body = register.asked[0]
    assert body == {"query": INN, "branch_type": "MAIN"}
    assert headers["Authorization"] == "Token secret-token"


def test_an_answer_is_kept_for_a_day(register: Register) -> None:
    now = [0.0]
    provider = dadata(register, monotonic=lambda: now[0])
    for now[0] in (0.0, 86_399.0):
        provider.find(INN)
    assert len(register.asked) == 1
    now[0] = 86_401.0
    provider.find(INN)
    assert len(register.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_every_refusal_of_the_register_means_away(register: Register, status: int) -> None:
    register.status = status
    with pytest.raises(Unavailable, match=str(status)):
        dadata(register).find(INN)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>503</body></html>",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"suggestions": null}',
        b'{"suggestions": "x"}',
        b'{"suggestions": [1]}',
        b'{"suggestions": [{"data": null}]}',
        b'{"suggestions": [{"data": {"inn": 7707083893}}]}',
        b"[" * 100_000,
        b'{"suggestions": [' + b" " * 1_000_000 + b"]}",
    ],
)
def test_nonsense_means_away(register: Register, body: bytes) -> None:
    register.body = body
    with pytest.raises(Unavailable):
        dadata(register).find(INN)


def test_an_answer_about_another_company_is_not_taken(register: Register) -> None:
    register.body = answer(changed(inn="7702070139"))
    with pytest.raises(Unavailable):
        dadata(register).find(INN)


def test_empty_and_strange_inner_parts_become_empty_text(register: Register) -> None:
    register.body = answer(
        {"value": "ИП Иванов", "data": {"inn": INN, "name": None, "address": [1], "state": 5, "kpp": {}, "fio": None}}
    )
    assert list(dadata(register).find(INN)) == [CompanyInfo(INN, "ИП Иванов")]


def test_an_entrepreneur_heads_himself(register: Register) -> None:
    fio = {"surname": "Иванов", "name": "Иван", "patronymic": None}
    register.body = answer(changed(management=None, fio=fio))
    assert dadata(register).find(INN)[0].head == "Иванов Иван"


def test_values_from_outside_are_one_line_of_plain_text(register: Register) -> None:
    register.body = answer(changed(name={"short_with_opf": "ООО\n\u202e<script>\x00 «Ы»"}, kpp="7" * 5000))
    found = dadata(register).find(INN)[0]
    assert (found.name, found.kpp) == ("ООО <script> «Ы»", "")


@pytest.mark.parametrize("status", list(CompanyStatus))
def test_every_status_is_told(register: Register, status: CompanyStatus) -> None:
    register.body = answer(changed(state={"status": status.value.upper()}))
    assert dadata(register).find(INN)[0].status is status


def test_the_head_office_comes_first(register: Register) -> None:
    register.body = answer(changed(branch_type="BRANCH", kpp="500101001"), SBER)
    assert [item.kpp for item in dadata(register).find(INN)] == ["773601001", "500101001"]


def test_a_slow_register_costs_its_time_limit_and_no_more(register: Register) -> None:
    register.drip = 0.05
    started = time.monotonic()
    with pytest.raises(Unavailable):
        dadata(register, timeout=0.3).find(INN)
    assert time.monotonic() - started < 3


def test_a_refused_connection_means_away() -> None:
    with pytest.raises(Unavailable, match="URLError"):
        DadataDirectory("secret-token", address="http://127.0.0.1:1/").find(INN)


def test_after_five_failures_it_rests_for_a_minute(register: Register) -> None:
    now = [0.0]
    provider = dadata(register, monotonic=lambda: now[0])
    register.status = 500
    for _ in range(7):
        with pytest.raises(Unavailable):
            provider.find(INN)
    assert len(register.asked) == 5
    now[0], register.status = 61.0, 200
    assert list(provider.find(INN)) == [EXPECTED]


def test_the_key_follows_no_redirect_and_stands_in_no_message(
    register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    register.status, register.location = 302, register.address + "/elsewhere"
    caplog.set_level(logging.DEBUG)
    provider = dadata(register)
    with pytest.raises(Unavailable) as problem:
        provider.find(INN)
    assert len(register.asked) == 1
    assert "secret-token" not in f"{problem.value!r} {problem.value.__context__!r} {provider!r} {caplog.text}"


def test_a_missing_file_means_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        FileDirectory(tmp_path / "none.csv").find(INN)


def test_the_settings_choose_the_provider(register: Register, tmp_path: Path) -> None:
    def chosen(**values: Any) -> Any:
        return make(**{"dadata_token": None, "directory": None, "data_dir": tmp_path, **values})

    assert isinstance(chosen(), NoDirectory)
    assert isinstance(chosen(dadata_token="key"), DadataDirectory)
    assert isinstance(chosen(directory=tmp_path / "own.csv"), FileDirectory)
    from_file(register, tmp_path)
    assert list(chosen().find(INN)) == [EXPECTED]
