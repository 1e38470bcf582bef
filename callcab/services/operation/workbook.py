"""An XLSX in constant memory, apart from ``exporting`` because of the weight of its writer."""

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import xlsxwriter

from callcab.lib.storage import Draft
from callcab.services import stored_file


class Book:
    """A temporary file, copied into the draft at the end."""

    def __init__(self, stack: ExitStack, heading: Sequence[str]) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stored_file.drafts_folder())))
        self._path = self._folder / "book.xlsx"
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": str(self._folder),
        }
        self._book = xlsxwriter.Workbook(str(self._path), options)
        self._sheet = self._book.add_worksheet()
        self._next = 0
        self.rows([heading])

    def rows(self, cells: Iterable[Sequence[Any]]) -> None:
        for row in cells:
            for column, value in enumerate(row):
                if value is not None:
                    self._sheet.write_string(self._next, column, str(value)[:32_767])
            self._next += 1

    def copy_to(self, draft: Draft) -> None:
        self._book.close()
        with self._path.open("rb") as stream:
            while block := stream.read(1 << 16):
                draft.write(block)
