"""The options of commands that need a configuration, and how its problems are printed."""

import os
import sys
from pathlib import Path

import click

from proxy.config.load import ConfigurationError, find
from proxy.config.model import Configuration
from proxy.config.problems import DocumentSource

FAULTY = 2
"Exit status for an invalid configuration."

config_option = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Configuration file; else ./proxy.yaml, ./config/proxy.yaml, /etc/cpi-oauth-proxy/proxy.yaml, or environment"
    " variables.",
)
file_argument = click.argument("word", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
insecure_option = click.option(
    "--insecure-listen",
    is_flag=True,
    help="Allow listeners beyond loopback without access control: anyone who can connect can use your tenant.",
)


def as_configuration(word: str | None, file: Path | None) -> Path | None:
    """Returns the word as a path if it is a configuration file: it exists, is named as YAML, and -c names no other.

    With -c, the word is the name of a route or an OAuth client, even if there is such a file.
    """
    path = Path(word) if word is not None and file is None else None
    return path if path is not None and path.suffix in (".yaml", ".yml") and path.is_file() else None


def named(file: Path | None, word: Path | None) -> Path | None:
    """Returns the file of the option or the argument; prints a usage error and exits with 2 if there are both."""
    if file is not None and word is not None:
        raise click.UsageError("the configuration file is named twice; write either FILE or -c FILE.")
    return file or word


def read(file: Path | None, *, insecure_listen: bool = False) -> Configuration:
    """Returns the configuration; if it is invalid, prints every problem to standard error and exits with 2."""
    try:
        return find(file, os.environ, insecure_listen=insecure_listen)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(FAULTY)


def warn_of_unused_variables(file: Path | None, origin: DocumentSource) -> None:
    """Prints a warning if a file was found, not named by `file`, and the variables of a route are set as well."""
    if file is None and os.environ.get("CPI_UPSTREAM") and not (origin.made_of_variables or origin.variables):
        wins = "is read, so CPI_UPSTREAM and the variables beside it have no effect; move the file away, or unset them"
        click.echo(f"warning: {origin.file}: {wins}", err=True)
