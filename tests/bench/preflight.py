"""How long the check before a launch takes: .venv/bin/python tests/bench/preflight.py [CONTACTS] [BLACKLIST]

A draft of 100,000 contacts of a list, a customer's blacklist of 1,000,000 numbers of which one contact in ten is on it,
real PostgreSQL with the policy roles. Prints seconds of making the campaign from the list and of each look at it.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sqlalchemy as sa

from callcab import db, migrate, queue
from callcab.db import CabSession, unit_of_work
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.lib import clock
from callcab.models import Campaign, ContactList, Purpose
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from tests import factories

SYSTEM = Scope.system("bench")
BENCH = Actor("bench", "owner")
FIRST = 79_000_000_000


def fill(session: CabSession, contacts: int, blacklist: int) -> tuple[int, int]:
    """One customer; his list of contacts, a third of them fixed numbers; his blacklist. Returns the ids of both."""
    owner = factories.customer(session, balance="100000.00")
    factories.number(session)
    row = factories.add(session, ContactList(customer_id=owner.id, name="Много", entries=contacts))
    values = {"owner": owner.id, "list": row.id, "now": clock.now(), "contacts": contacts, "blacklist": blacklist}
    session.execute(
        sa.text(
            "INSERT INTO list_entry (contact_list_id, customer_id, phone, variables, created_at) SELECT :list, :owner,"
            " CASE WHEN n % 3 = 0 THEN 73420000000 + (n * 7919) % 9999999 ELSE 79000000000 + n * 10 END,"
            ' \'{"Имя": "Анна"}\', :now FROM generate_series(1, CAST(:contacts AS bigint)) AS n ON CONFLICT DO NOTHING'
        ),
        values,
    )
    session.execute(
        sa.text(
            "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
            " SELECT :owner, 79000000000 + n * 100, 'file', '', '', :now"
            " FROM generate_series(1, CAST(:blacklist AS bigint)) AS n"
        ),
        values,
    )
    session.execute(sa.update(ContactList).values(entries=sa.text("(SELECT count(*) FROM list_entry)")))
    return owner.id, row.id


def main(contacts: int = 100_000, blacklist: int = 1_000_000) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = EmbeddedPostgres(data_dir=Path(folder), profile="server")
        server.start()
        try:
            migrate.upgrade(server.owner_url(), app_url=server.app_url())
            made, looks = measure(server.app_url(), contacts, blacklist)
        finally:
            server.stop()
    print(f"{contacts} contacts against {blacklist} entries: made from a list in {made:.2f} s")
    print("looked at in " + ", ".join(f"{took:.2f}" for took in looks) + " s")


def measure(app_url: str, contacts: int, blacklist: int) -> tuple[float, list[float]]:
    """In an empty database: seconds of making the campaign, and of each of three looks."""
    db.connect(app_url, pool_size=5)
    queue.set_sender(lambda job, ids: None)
    with unit_of_work(SYSTEM) as session:
        owner_id, list_id = fill(session, contacts, blacklist)
    started = time.monotonic()
    with unit_of_work(Scope.tenant(owner_id)) as session:
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Здравствуйте!", lists=(list_id,))
        campaign_id = campaigns.create(session, draft, customer_id=owner_id, actor=BENCH).id
    made, looks = time.monotonic() - started, []
    for _ in range(3):
        started = time.monotonic()
        with unit_of_work(SYSTEM) as session:
            found = campaigns.preflight(session, session.get_one(Campaign, campaign_id), now=clock.now())
        looks.append(time.monotonic() - started)
        assert sum(group.count for group in found.groups) and found.total
    return made, looks


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
