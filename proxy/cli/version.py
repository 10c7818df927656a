"""`version`: prints the version."""

import click

from proxy import __version__


@click.command()
def command() -> None:
    """Print the version."""
    click.echo(f"cpi-oauth-proxy {__version__}")
