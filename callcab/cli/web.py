"""``callcab web``: hands over to gunicorn, so it imports nothing of the product itself."""

import os
import sys
from pathlib import Path

import click

from callcab.cli.context import resolved

ROOT = Path(__file__).resolve().parent.parent.parent


@click.command()
def web() -> None:
    """Serve pages and API with gunicorn on CALLCAB_HOST and CALLCAB_PORT."""
    settings = resolved()
    os.environ["CALLCAB_DATABASE_URL"] = str(settings.database_url)
    os.environ["CALLCAB_REDIS_URL"] = str(settings.redis_url)
    # gunicorn drops headers with underscores, which the IP allow list relies on (ADR 0007).
    argv = ["gunicorn", "wsgi:app", "--chdir", str(ROOT), "--bind", f"{settings.host}:{settings.port}"]
    argv += ["--worker-class", "gthread", "--workers", str(settings.web_workers)]
    argv += ["--threads", str(settings.web_threads), "--preload", "--no-control-socket", "--graceful-timeout", "20"]
    os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606
