"""`cpi-oauth-proxy COMMAND`: finds the command's file when it is called, so that each start pays for its own only."""

import importlib
import os
import sys
from typing import Any

import click

from proxy import __version__
from proxy.cli.core_dumps import forbid_core_dumps

COMMANDS = ("run", "check", "token", "send", "doctor", "import-key", "sandbox", "schema", "version")


class _Commands(click.Group):
    """Commands by name; each in the module of that name, as `command`."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Begin with what a command may count on; most hold secrets as soon as they have read the configuration."""
        forbid_core_dumps()
        open_streams()
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the handbook."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for a word that is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"proxy.cli.{cmd_name.replace('-', '_')}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="cpi-oauth-proxy %(version)s")
def main() -> None:
    """Forward plain HTTP requests to SAP Cloud Integration with an OAuth 2.0 access token."""


def open_streams() -> None:
    """Nobody at the other end of what was closed: else the next file or socket would get the number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            while (opened := os.open(os.devnull, os.O_RDWR)) < number:
                pass  # a lower one, which was closed too
            setattr(sys, name, os.fdopen(opened, mode))
