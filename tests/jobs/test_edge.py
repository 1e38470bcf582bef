"""What a process has done before its first work."""

import subprocess
import sys
from pathlib import Path

from callcab.config import Settings

ROOT = Path(__file__).resolve().parents[2]
BEGUN = """
import pathlib, sys
from sqlalchemy import event, orm
from callcab.config import Settings
from callcab.jobs import edge

database, redis, folder = sys.argv[1:]
edge.prepare(Settings(database_url=database, redis_url=redis, data_dir=pathlib.Path(folder), secret_key="x" * 40))
event.listen(orm.Mapper, "before_configured", lambda: sys.exit("mappers were left to the first query"))
orm.configure_mappers()
"""


def test_a_child_of_a_worker_finds_the_mappers_made(settings: Settings) -> None:
    given = (settings.database_url, settings.redis_url, settings.data_dir)
    command = [sys.executable, "-c", BEGUN, *map(str, given)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
