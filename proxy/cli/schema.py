"""`schema`: prints the JSON Schema, with which editors complete and check the configuration."""

import json

import click

from proxy.config.schema import schema


@click.command()
def command() -> None:
    """Print the JSON Schema of the configuration."""
    click.echo(json.dumps(schema(), indent=2))
