"""The ``callcab`` command: run everything, run one role, look after an installation."""

import sys

import click

from callcab.cli import admin, catalogue, demo, roles, up
from callcab.config import ConfigError
from callcab.embedded.errors import EmbeddedError
from callcab.lib.errors import DomainError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """callcab: back office and customer cabinet of a voice-calling service."""


cli.add_command(up.up)
for command in (roles.web, roles.worker, roles.tick, roles.dialer, roles.migrate):
    cli.add_command(command)
for command in (
    admin.init,
    admin.create_staff,
    admin.set_password,
    admin.ip_clear,
    admin.doctor,
    admin.config_check,
    demo.demo,
    catalogue.catalogue,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; a refusal is one sentence on standard error and exit code 1."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (ConfigError, EmbeddedError) as problem:
        click.echo(f"callcab: {problem}", err=True)
        sys.exit(1)
    except DomainError as problem:
        detail = ", ".join(f"{key}={value}" for key, value in problem.params.items())
        click.echo(f"callcab: refused: {problem.code}{' (' + detail + ')' if detail else ''}", err=True)
        sys.exit(1)
