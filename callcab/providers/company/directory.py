"""Companies from a file of the operator: ``inn;kpp;ogrn;name;address;head;status`` with a heading, UTF-8."""

import csv
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from callcab.lib import inn as inns
from callcab.providers.company.base import CompanyInfo, Unavailable, line, status_of


class FileDirectory:
    """Reads the file at the first question and keeps it by INN; lines with an invalid INN are skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._companies: dict[str, list[CompanyInfo]] | None = None
        self._lock = Lock()

    def find(self, inn: str) -> Sequence[CompanyInfo]:
        with self._lock:
            if self._companies is None:
                self._companies = self._read()
        return tuple(self._companies.get(inn, ()))

    def _read(self) -> dict[str, list[CompanyInfo]]:
        found: dict[str, list[CompanyInfo]] = {}
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as stream:
                for row in csv.DictReader(stream, delimiter=";"):
                    company = _company(row)
                    if company:
                        found.setdefault(company.inn, []).append(company)
        except (OSError, UnicodeDecodeError, csv.Error) as problem:
            raise Unavailable(f"the company file can't be read: {type(problem).__name__}") from problem
        return found


def _company(row: dict[str, str]) -> CompanyInfo | None:
    try:
        inn = inns.check(line(row.get("inn"))).value
    except inns.InnError:
        return None
    return CompanyInfo(
        inn=inn,
        kpp=line(row.get("kpp")),
        ogrn=line(row.get("ogrn")),
        name=line(row.get("name")),
        address=line(row.get("address")),
        head=line(row.get("head")),
        status=status_of(row.get("status")),
    )
