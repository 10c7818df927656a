"""`cpi-oauth-proxy COMMAND`: imports the module of the command that is called, and of no other."""

import importlib
from difflib import get_close_matches
from typing import Any

import click

from proxy import __version__
from proxy.cli.examples import epilog
from proxy.cli.process import forbid_core_dumps, open_standard_streams

COMMANDS = (
    "run",
    "init",
    "check",
    "token",
    "send",
    "doctor",
    "import-key",
    "sandbox",
    "outbox",
    "console",
    "schema",
    "version",
)


class _Commands(click.Group):
    """Finds each command as `command` in the module of its name."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Prepares the process before the command starts: most commands read secrets."""
        forbid_core_dumps()
        open_standard_streams()
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order of docs/commands.md."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command, or None for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"proxy.cli.{cmd_name.replace('-', '_')}").command
        command.epilog = epilog(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses an unknown name with the most similar one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            similar = get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {similar[0]}?" if similar else f"The commands are {', '.join(COMMANDS)}."
            ctx.fail(f"There is no command {name}. {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="cpi-oauth-proxy %(version)s")
def main() -> None:
    """Forward plain HTTP requests to SAP Cloud Integration with an OAuth 2.0 access token."""
