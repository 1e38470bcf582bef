"""The bench of lists and batch work, over 10,000 rows: nothing is judged, everything is done a few times.

Only the load over HTTP is left out: it starts two more servers, half of the time of all.
"""

from pathlib import Path

import pytest

from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from tests.bench import lists

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_bench_does_all_its_works_and_sees_the_same_rows_as_by_hand(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    parts = [name for name in lists.PARTS if name != "load"]

    rows, _ = lists.run((postgres, valkey, tmp_path), 0.001, parts, short=True)

    works = {row.work: row for row in rows}
    assert works["support: page by keyset"].ratio and works["cabinet: last four digits"].ratio
    assert works["small jobs/s of a worker"].ok is not None
    assert not [row for row in rows if "by hand" in row.ours], "a page shows other rows than the same by hand"
