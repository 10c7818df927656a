"""`check`: validates the configuration and the files that it names, without any network."""

import os
from pathlib import Path

import click

from proxy.cli.configuration import (
    config_option,
    file_argument,
    insecure_option,
    named,
    read,
    warn_of_unused_variables,
)
from proxy.cli.hardening import exposed_files, unattended
from proxy.config.load import written
from proxy.observe.log_format import printable
from proxy.trial.doubts import doubts


@click.command()
@config_option
@file_argument
@insecure_option
def command(file: Path | None, word: Path | None, *, insecure_listen: bool) -> None:
    """Validate the configuration and the files that it names. No network is used.

    What is valid but probably not meant is a warning on standard error.
    """
    file = named(file, word)
    configuration = read(file, insecure_listen=insecure_listen)
    document = written(file, os.environ)
    origin = document.problems.origin
    warn_of_unused_variables(file, origin)
    for location, text in doubts(configuration, document.tree):
        click.echo(f"warning: {origin.problem(origin.placed(location), text)}", err=True)
    for path in exposed_files(configuration):
        click.echo(printable(f"warning: {path}: every user of this machine can read it; run chmod o-r on it"), err=True)
    if warning := unattended(configuration):
        click.echo(f"warning: {warning}", err=True)
    routes, clients = len(configuration.routes), len(configuration.oauth_clients)
    click.echo(f"The configuration is valid: {routes} route(s), {clients} OAuth client(s).")
