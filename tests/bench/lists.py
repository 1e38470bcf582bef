"""Lists and batch work over millions of rows: ./run bench [--scale S] [--only NAME] [--keep FOLDER] [--json FILE]

Scale 1 is 10,000,000 rows of the blacklist (one customer owns a million of them, 900 own 10,000 each), 5,000,000
payments, 1,000 customers, 100,000 numbers; 0.01 takes a minute or two. --keep makes the rows once and uses them again.
Each line is a work of ours, the same by hand in the same run, and whether the goal is met. Nothing is hidden.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import batch, data, house, load, pages, papers, rounds, small, table
from tests.bench.house import Place
from tests.bench.table import Row

Part = Callable[[house.Servers, Place], list[Row]]


def flat_pages(found: house.Servers, at: Place) -> list[Row]:
    flat = at if at.short else house.place(found, at.scale, data.FLAT, short=False)
    return pages.rows(at, flat)


def launches(found: house.Servers, at: Place) -> list[Row]:
    return house.apart(small.launches, at if at.short else house.elsewhere(found[0], at, "bench_launch"))


def apart(*works: Callable[[Place], list[Row]]) -> Part:
    """Works that need the one database only, each in a process of its own."""
    return lambda found, at: [row for work in works for row in house.apart(work, at)]


PARTS: dict[str, Part] = {
    "pages": flat_pages,
    "load": apart(load.rows),
    "batch": apart(batch.rows),
    "decisions": lambda found, at: [*apart(small.decisions)(found, at), *launches(found, at)],
    "hooks": apart(small.hooks),
    "papers": apart(papers.rows),
    "jobs": apart(small.jobs),
    "rounds": apart(rounds.rows),
}
# Only when it is asked for by name: it proves, and measures nothing.
ASKED = ("rounds",)


def run(found: house.Servers, scale: float, parts: list[str], *, short: bool = False) -> tuple[list[Row], str]:
    """The rows of these parts and PostgreSQL's version. ``short`` looks at everything for a moment only."""
    rows: list[Row] = []
    at = house.place(found, scale, data.plan(scale), short=short)
    for name in parts:
        if not short:
            print(f"… {name}", flush=True)
        rows += PARTS[name](found, at)
    with at.owner() as connection:
        return rows, str(connection.info.parameter_status("server_version"))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given more than once")
    parser.add_argument("--keep", type=Path, help="a folder for the filled database")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    asked = parser.parse_args(arguments)
    with house.servers(asked.keep and asked.keep.resolve()) as found:
        rows, postgres = run(found, asked.scale, asked.only or [name for name in PARTS if name not in ASKED])
    title = table.title(asked.scale, postgres)
    print(f"\n{title}\n\n{table.plain(rows)}\n\n{table.verdict(rows)}")
    if asked.json:
        table.write_json(asked.json, rows, asked.scale, postgres)
    if asked.markdown:
        asked.markdown.write_text(table.markdown(rows, title) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
