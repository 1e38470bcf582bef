"""The whole number plan through verification and campaigns, with a real Asterisk and real telephones."""

from collections.abc import Iterator
from datetime import time

import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, Call, Campaign, CampaignState, Purpose, Reservation, Verification
from callcab.models import IvrAction as Act
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import ledger, verification
from tests import factories
from tests.contracts.number_plan import PLAN
from tests.telephony.lines import Callee, answering
from tests.telephony.server import AsteriskServer
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")


@pytest.fixture
def service(settings: Settings, connected: sa.Engine, store: redis.Redis, pbx: AsteriskServer) -> Iterator[None]:
    yield from answering(settings, pbx)


def base(number: int) -> int:
    return 79253940000 + number * 100


@pytest.mark.usefixtures("service")
def test_a_verification_ends_as_the_number_plan_says(callee: Callee) -> None:
    for row in PLAN:
        with unit_of_work(SYSTEM) as session:
            customer = factories.customer(session)
            verification.request(session, customer_id=customer.id, text=f"+{base(1) + int(row.ending)}", actor=OLGA)

    def outcomes() -> dict[str, str | None]:
        with unit_of_work(SYSTEM) as session:
            rows = session.execute(sa.select(Verification.phone, Verification.outcome)).all()
        return {f"{phone % 100:02}": outcome for phone, outcome in rows}

    assert wait_for(lambda: all(outcomes().values()), 100), outcomes()
    assert outcomes() == {row.ending: row.undetected().verification for row in PLAN}
    for row in PLAN:
        assert len(callee.seen("invite", f"+{base(1) + int(row.ending)}")) == 1


@pytest.mark.usefixtures("service")
def test_a_campaign_ends_as_the_number_plan_says(callee: Callee) -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="1000.00")
        own = factories.number(session)
        campaign = campaigns.create(
            session,
            campaigns.Draft(
                "Обзвон",
                Purpose.SERVICE,
                "Здравствуйте. Нажмите девять, чтобы мы больше не звонили.",
                "\n".join(str(base(2) + int(row.ending)) for row in PLAN),
                rules=(campaigns.Rule("9", Act.BLACKLIST),),
                max_attempts=1,
                calls_from=time(0),
                calls_until=time(23, 59),
            ),
            customer_id=owner.id,
            actor=OLGA,
        )
        campaigns.start(session, campaign.id, actor=OLGA)
        campaign_id, from_phone = campaign.id, own.phone

    def state() -> CampaignState:
        with unit_of_work(SYSTEM) as session:
            return session.get_one(Campaign, campaign_id).state

    assert wait_for(lambda: state() is CampaignState.FINISHED, 90), state()
    with unit_of_work(SYSTEM) as session:
        calls = session.execute(sa.select(Call.phone, Call.outcome)).all()
        assert {f"{phone % 100:02}": str(outcome) for phone, outcome in calls} == {
            row.ending: row.undetected().campaign for row in PLAN
        }
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [base(2) + 9]
        assert session.scalar(sa.select(sa.func.count(Reservation.id)).where(Reservation.state == "open")) == 0
        assert ledger.discrepancies(session) == []
    for row in PLAN:
        number = f"+{base(2) + int(row.ending)}"
        assert len(callee.seen("invite", number)) == 1
        assert f"sip:+{from_phone}@" in str(callee.seen("from", number)[0]["what"])
