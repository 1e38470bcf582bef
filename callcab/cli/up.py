"""``callcab up``: everything on one machine, supervised."""

import os
import signal
import sys

import click

from callcab import config
from callcab.cli.demo_logins import DEMO_LOGINS, DEMO_PASSWORD_FILE
from callcab.config import Settings
from callcab.embedded.children import ChildSpec, Command, answers_http, is_taken
from callcab.embedded.errors import EmbeddedError
from callcab.embedded.postgres import STOP_SIGNALS, EmbeddedPostgres
from callcab.embedded.supervisor import serve
from callcab.embedded.valkey import EmbeddedValkey


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server (CALLCAB_PORT, 8000).")
@click.option("--demo/--empty", default=None, help="Fill a new database with demo data (default), or leave it empty.")
def up(port: int | None, demo: bool | None) -> None:
    """Start database, queue, web server, workers, timetable and dialer; Ctrl-C stops all."""
    settings = config.load(os.environ | ({config.environment_name("port"): str(port)} if port else {}))
    # Open to pass through, not to list: the database runs as another user below it when we are root.
    settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    sys.exit(
        serve(
            children(settings, demo is not False),
            settings.data_dir / "up.lock",
            lambda line: print(line, flush=True),
            address=settings.base_url,
            on_ready=lambda: announce(settings),
        )
    )


def children(settings: Settings, demo: bool) -> list[ChildSpec]:
    """The processes in their order: postgres, valkey, migrate, demo data, web, workers, tick, dialer."""
    specs = []
    env = dict(os.environ) | {"CALLCAB_BASE_URL": settings.base_url, "CALLCAB_PORT": str(settings.port)}
    env |= {"CALLCAB_DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1"}
    if settings.embedded_database:
        postgres = EmbeddedPostgres(settings.data_dir)
        specs.append(_postgres(postgres))
        env["CALLCAB_DATABASE_URL"] = postgres.app_url()
        env["CALLCAB_DATABASE_OWNER_URL"] = postgres.owner_url()
    if settings.embedded_redis:
        valkey = EmbeddedValkey(settings.data_dir)
        specs.append(_valkey(valkey))
        env["CALLCAB_REDIS_URL"] = valkey.url
    specs.append(_role("migrate", env, one_shot=True, ready_limit=300))
    if demo and not (settings.data_dir / DEMO_PASSWORD_FILE).exists():
        specs.append(_role("demo", env, "--if-empty", one_shot=True, ready_limit=600))
    # A short stop of gunicorn is SIGINT; a stranger's server on the port must not pass for ours.
    specs.append(
        ChildSpec(
            "web",
            lambda: _web_command(settings, env),
            is_ready=lambda: answers_http(f"http://{settings.host}:{settings.port}/healthz"),
        )
    )
    specs += [_role("worker", env, title=f"worker-{index + 1}") for index in range(settings.job_workers)]
    specs.append(_role("tick", env))
    specs.append(_role("dialer", env))
    return specs


def _postgres(server: EmbeddedPostgres) -> ChildSpec:
    def command() -> Command:
        server.prepare()
        return server.command()

    return ChildSpec(
        "postgres", command, server.is_ready, after_ready=server.ensure_database, stop_signals=STOP_SIGNALS
    )


def _valkey(server: EmbeddedValkey) -> ChildSpec:
    def command() -> Command:
        server.prepare()
        return server.command()

    return ChildSpec("valkey", command, server.is_ready)


def _web_command(settings: Settings, env: dict[str, str]) -> Command:
    if is_taken(settings.host, settings.port):
        raise EmbeddedError(
            "port_taken", f"Port {settings.port} is taken by another program; choose one: ./run up --port N"
        )
    return Command((sys.executable, "-m", "callcab", "web"), env=env, death_signal=signal.SIGINT)


def _role(name: str, env: dict[str, str], *arguments: str, title: str = "", **options: object) -> ChildSpec:
    argv = (sys.executable, "-m", "callcab", name, *arguments)
    return ChildSpec(title or name, Command(argv, env=env), **options)  # type: ignore[arg-type]


def announce(settings: Settings) -> None:
    """Say where it runs and, with demo data, who may sign in."""
    lines = ["", f"  callcab is ready: {settings.base_url}/"]
    password_file = settings.data_dir / DEMO_PASSWORD_FILE
    if password_file.exists():
        password = password_file.read_text(encoding="utf-8").strip()
        lines.append(f"  Demo data. Password of every demo login: {password}")
        lines += [f"    {login.email:24} {login.title}" for login in DEMO_LOGINS]
    else:
        lines.append("  No demo data. Make the first support login: ./run create-staff EMAIL")
    if settings.telephony == "simulator":
        lines.append("  Calls are simulated: no telephone rings (docs/operations.md).")
    print("\n".join([*lines, "  Ctrl-C stops everything.", ""]), flush=True)
