"""The ``callcab`` command: run everything, run one role, look after an installation."""

import sys
from importlib import import_module

import click

from callcab.config import ConfigError
from callcab.embedded.errors import EmbeddedError
from callcab.lib.errors import DomainError

# Where each command lives. A module is imported when its command is called: the whole product takes seconds to import,
# and `up` starts eight processes.
COMMANDS = {
    "up": "up:up",
    "web": "web:web",
    "worker": "roles:worker",
    "tick": "roles:tick",
    "dialer": "roles:dialer",
    "migrate": "migrate:migrate",
    "init": "admin:init",
    "create-staff": "admin:create_staff",
    "set-password": "admin:set_password",
    "ip-clear": "admin:ip_clear",
    "doctor": "admin:doctor",
    "recount": "admin:recount",
    "config-check": "admin:config_check",
    "demo": "demo:demo",
    "catalogue": "catalogue:catalogue",
}


class Commands(click.Group):
    """The commands of the table above, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(f"callcab.cli.{module}"), name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """callcab: back office and customer cabinet of a voice-calling service."""


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
