"""Making the demo data: all or nothing, at any hour."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from callcab import queue
from callcab.cli import demo
from callcab.cli.demo.timeline import Timeline
from callcab.cli.demo_logins import DEMO_PASSWORD_FILE
from callcab.config import Settings
from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.models import Call, Customer, Payment
from callcab.scope import Scope
from callcab.services import ledger, stored_file

NIGHT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


@pytest.fixture
def empty(connected: sa.Engine) -> Iterator[sa.Engine]:
    yield connected
    stored_file.use(None)
    queue.set_sender(None)


def count(session: CabSession, model: Any, *conditions: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0


@pytest.mark.slow
def test_a_demo_made_at_night_has_no_calls_and_payments_of_today(
    empty: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    with clock.frozen(NIGHT):
        assert demo.fill(replace(settings, data_dir=tmp_path)) == 8
    with unit_of_work(Scope.system("test")) as session:
        assert ledger.discrepancies(session) == []
        today = NIGHT.replace(hour=0, minute=0)
        assert count(session, Payment, Payment.created_at >= today) == 0
        assert count(session, Call, Call.created_at >= today) == 0
        assert count(session, Payment) >= 3_000


def test_a_demo_that_fails_leaves_neither_customers_nor_a_password(
    empty: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(world: object) -> None:
        raise RuntimeError("half way")

    monkeypatch.setattr(demo, "PARTS", (fail,))
    with pytest.raises(RuntimeError, match="half way"):
        demo.fill(Settings(database_url=settings.database_url, data_dir=tmp_path))
    assert not (tmp_path / DEMO_PASSWORD_FILE).exists()
    with unit_of_work(Scope.system("test")) as session:
        assert count(session, Customer) == 0


def test_the_timeline_does_deeds_in_the_order_of_their_moments_with_the_clock_stopped() -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    timeline, seen = Timeline(now), []
    for hours in (2, 5, 3):
        timeline.add(now - timedelta(hours=hours), lambda: seen.append(clock.now()))
    timeline.run()
    assert seen == [now - timedelta(hours=hours) for hours in (5, 3, 2)]
    with pytest.raises(ValueError, match="past"):
        timeline.add(now + timedelta(seconds=1), seen.clear)


def test_the_command_says_that_it_needs_a_running_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CALLCAB_DATABASE_URL", "CALLCAB_DATABASE_OWNER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CALLCAB_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(demo.demo, ["--if-empty"])
    assert result.exit_code == 1
    assert "isn't running" in result.output
