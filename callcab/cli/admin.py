"""Commands that look after an installation."""

import secrets
from dataclasses import fields
from decimal import Decimal

import click
import sqlalchemy as sa

from callcab import config
from callcab import db as database
from callcab.cli.connection import connected
from callcab.cli.context import running
from callcab.config import Settings, environment_name
from callcab.db import unit_of_work
from callcab.models import Customer, Seller, Tariff
from callcab.permissions import STAFF_ROLES
from callcab.scope import STAFF_ROLE, TENANT_ROLE, Actor, Scope
from callcab.services import ip_rule, ledger, password, row_total, user

CONSOLE = Actor.system("console")


@click.command()
def init() -> None:
    """Make what an empty installation needs before the first customer: a default tariff."""
    with connected(running()), unit_of_work(Scope.system("init")) as session:
        if session.scalar(sa.select(Tariff.id).where(Tariff.is_default)):
            click.echo("A default tariff exists already.")
        else:
            session.add(
                Tariff(name="Базовый", minute_price=Decimal("1.80"), rental_day_price=Decimal("15"), is_default=True)
            )
            click.echo("Made the default tariff «Базовый»; edit it in Система → Тарифы.")
        if not session.scalar(sa.select(Seller.id)):
            click.echo("Enter your own requisites in Финансы → Продавцы before the first invoice.")


@click.command("create-staff")
@click.argument("email")
@click.option("--name", default="", help="Name shown to colleagues; the e-mail if absent.")
@click.option("--role", type=click.Choice(STAFF_ROLES), default="admin", show_default=True)
def create_staff(email: str, name: str, role: str) -> None:
    """Make a support login and print its first password once."""
    with connected(running()), unit_of_work(Scope.system("create-staff")) as session:
        first_password = secrets.token_urlsafe(12)
        user.invite(session, customer_id=None, email=email, name=name or email, role=role, actor=CONSOLE)
        made = password.set_password(session, email=email, new=first_password, actor=CONSOLE)
    click.echo(f"Made {made.email} ({role}). First password: {first_password}")


@click.command("set-password")
@click.argument("email")
def set_password(email: str) -> None:
    """Give a login a new random password, end its sessions, print the password once."""
    with connected(running()), unit_of_work(Scope.system("set-password")) as session:
        new_password = secrets.token_urlsafe(12)
        found = password.set_password(session, email=email, new=new_password, actor=CONSOLE)
    click.echo(f"New password of {found.email}: {new_password}")


@click.command("ip-clear")
@click.argument("customer_id", type=int, required=False)
@click.option("--staff", is_flag=True, help="Clear the list of the support side instead.")
def ip_clear(customer_id: int | None, staff: bool) -> None:
    """Empty an IP allow list: the way back for somebody who locked himself out (rule I5)."""
    if staff == (customer_id is not None):
        raise click.UsageError("name a customer's number, or --staff")
    with connected(running()), unit_of_work(Scope.system("ip-clear")) as session:
        count = ip_rule.clear(session, customer_id=customer_id, actor=CONSOLE)
    click.echo(f"Removed {count} entries; access is open.")


@click.command()
def doctor() -> None:
    """Check money, roles and servers; exit code 1 when something is wrong."""
    settings = running()
    problems = []
    with connected(settings):
        with unit_of_work(Scope.system("doctor")) as session:
            customers = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
            for row in ledger.discrepancies(session):
                problems.append(f"ledger: {row}")
            for name, customer_id, kept, counted in row_total.wrong(session):
                problems.append(f"totals: {name} of customer {customer_id}: {kept} kept, {counted} there; `recount`")
        problems += _role_problems()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.ClickException(f"{len(problems)} problems found.")
    click.echo(f"All is well: {customers} customers, balances equal their entries, roles are confined.")


@click.command()
def recount() -> None:
    """Count the rows of long lists anew, after a restore that passed the triggers; harmless at any time."""
    with connected(running()), unit_of_work(Scope.system("recount")) as session:
        repaired = row_total.repair(session)
    click.echo(f"{repaired} totals were wrong and are right now.")


def _role_problems() -> list[str]:
    """Whether the application's login could pass the policies: a superuser or table owner would."""
    with database.engine().connect() as connection:
        superuser, owned = connection.execute(
            sa.text(
                "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user),"
                " (SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = session_user)"
            )
        ).one()
        members = connection.execute(
            sa.text(
                "SELECT pg_has_role(session_user, :tenant, 'MEMBER') AND pg_has_role(session_user, :staff, 'MEMBER')"
            ),
            {"tenant": TENANT_ROLE, "staff": STAFF_ROLE},
        ).scalar_one()
    problems = []
    if superuser:
        problems.append("roles: the application's login is a superuser; give CALLCAB_DATABASE_URL a plain login")
    if owned:
        problems.append("roles: the application's login owns tables; migrate as CALLCAB_DATABASE_OWNER_URL instead")
    if not members:
        problems.append("roles: the application's login may not take its roles; run `callcab migrate`")
    return problems


@click.command("config-check")
def config_check() -> None:
    """Read the settings and show them, secrets hidden; a wrong one stops with a sentence."""
    settings = config.load()
    for item in fields(Settings):
        value = getattr(settings, item.name)
        shown = "(set)" if item.metadata["secret"] and value else value
        click.echo(f"{environment_name(item.name)}={shown if shown is not None else ''}")
