"""`check`: validates the configuration and the files that it names, without any network."""

from pathlib import Path

import click

from proxy.cli.configuration import config_option, file_argument, insecure_option, named, read
from proxy.cli.hardening import unattended


@click.command()
@config_option
@file_argument
@insecure_option
def command(file: Path | None, word: Path | None, *, insecure_listen: bool) -> None:
    """Validate the configuration and the files that it names. No network is used."""
    configuration = read(named(file, word), insecure_listen=insecure_listen)
    if warning := unattended(configuration):
        click.echo(f"Warning: {warning}", err=True)
    routes, clients = len(configuration.routes), len(configuration.oauth_clients)
    click.echo(f"The configuration is valid: {routes} route(s), {clients} OAuth client(s).")
