"""What all commands that need a configuration share: the option, and how its faults are told."""

import os
import sys
from pathlib import Path

import click

from proxy.config.load import ConfigurationError, find
from proxy.config.model import Configuration

FAULTY = 2
"Exit status for a wrong configuration."

config_option = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Configuration file; else ./config/proxy.yaml, /etc/cpi-oauth-proxy/proxy.yaml, then the environment.",
)
insecure_option = click.option(
    "--insecure-listen", is_flag=True, help="Let anybody who reaches a listener beyond loopback use the tenant."
)


def read(file: Path | None, *, insecure_listen: bool = False) -> Configuration:
    """The configuration; with all its problems on standard error and exit status 2 if it is wrong."""
    try:
        return find(file, os.environ, insecure_listen=insecure_listen)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(FAULTY)
