"""The bench of lists and batch work, over 10,000 rows: nothing is judged, everything is done a few times.

The load over HTTP is left out, for it starts two more servers, half of the time of all; so is what waits for the
timetable to notice killed workers.
"""

import pytest

from tests.bench import house, lists

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_bench_does_all_its_works_and_sees_the_same_rows_as_by_hand() -> None:
    parts = [name for name in lists.PARTS if name not in ("load", *lists.ASKED)]

    # Servers of its own: nothing of it is left to the tests that follow.
    with house.servers(None) as found:
        rows, _ = lists.run(found, 0.001, parts, short=True)

    works = {row.work: row for row in rows}
    assert works["support: page by keyset"].ratio and works["cabinet: last four digits"].ratio
    assert works["small jobs/s of a worker"].ok is not None
    assert not [row for row in rows if "by hand" in row.ours], "a page shows other rows than the same by hand"
