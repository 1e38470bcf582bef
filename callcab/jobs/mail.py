"""Sends letters."""

from callcab import queue
from callcab.db import unit_of_work
from callcab.jobs.registry import every, job
from callcab.scope import Scope
from callcab.services import mail


@job("mail.send", timeout=60)
def send(mail_id: int) -> None:
    """Try to send one letter; what can't leave now gets its next time in its row."""
    with unit_of_work(Scope.system("jobs")) as session:
        claimed = mail.claim(session, mail_id)
    if claimed is None:
        return
    outcome = mail.deliver(claimed)
    with unit_of_work(Scope.system("jobs")) as session:
        mail.settle(session, claimed, outcome)


@every(15)
def sweep() -> None:
    """Queue letters whose time has come."""
    with unit_of_work(Scope.system("jobs")) as session:
        due = mail.due(session)
    for mail_id in due:
        queue.send("mail.send", {"mail_id": mail_id})
