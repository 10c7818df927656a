"""`token`: requests tokens and prints what they are good for; tries a secret without sending a message."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.cli.columns import tell
from proxy.cli.configuration import FAULTY, as_configuration, config_option, read
from proxy.cli.loops import run
from proxy.config.model import OAuthClient
from proxy.errors import AuthorizationServerError
from proxy.observe.log_format import printable
from proxy.trial.grant import GrantedToken, grant


@click.command()
@click.argument("oauth_client", required=False)
@click.option("--all", "everyone", is_flag=True, help="Request one token for each OAuth client.")
@click.option("--raw", is_flag=True, help="Print only the token itself.")
@config_option
def command(oauth_client: str | None, file: Path | None, *, everyone: bool, raw: bool) -> None:
    """Request a token for OAUTH_CLIENT. Show its lifetime, scopes, roles and claims.

    If there is only one OAuth client, its name may be left out. A configuration file may be named in its place.
    """
    if named := as_configuration(oauth_client, file):
        oauth_client, file = None, named
    known = read(file, insecure_listen=True).oauth_clients  # nobody listens
    if oauth_client is None and len(known) == 1:
        everyone = True
    if everyone == (oauth_client is not None):
        tell(f"Name one OAuth client ({', '.join(known)}), or give --all.")
        sys.exit(FAULTY)
    if oauth_client is not None and oauth_client not in known:
        tell(f"There is no OAuth client {oauth_client}; the OAuth clients are {', '.join(known)}.")
        sys.exit(FAULTY)
    clients = list(known.values()) if oauth_client is None else [known[oauth_client]]
    results = run(_grants(clients))
    for number, (client, result) in enumerate(zip(clients, results, strict=True)):
        separator = "\n" if number and not raw else ""
        if isinstance(result, GrantedToken):
            click.echo(separator + (result.access_token if raw else report(client, result)))
        else:
            tell(f"{separator}{client.name}: {result.detail}")
    sys.exit(any(isinstance(each, AuthorizationServerError) for each in results))


async def _grants(clients: Sequence[OAuthClient]) -> list[GrantedToken | AuthorizationServerError]:
    results: list[GrantedToken | AuthorizationServerError] = []
    for client in clients:
        try:
            results.append(await grant(client, os.environ))
        except AuthorizationServerError as error:
            results.append(error)
    return results


def report(client: OAuthClient, granted: GrantedToken) -> str:
    """The grant in lines for people, without the token itself."""
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(granted.token.expires.wall))
    claims = granted.claims
    lines = [
        ("OAuth client", client.name),
        ("token URL", client.token_url),
        ("authentication", authentication(client)),
        ("granted in", f"{granted.seconds:.3f} s"),
        ("lifetime", f"{granted.lifetime:.0f} s, until {until}"),
        ("scopes", " ".join(granted.scopes) or "none named"),
        ("roles", " ".join(granted.roles) or "none named"),
        ("claims", json.dumps(claims, indent=2) if claims else "none: the token is opaque"),
    ]
    return "\n".join(f"{name:<16}{printable_lines(value)}" for name, value in lines)


def printable_lines(text: str) -> str:
    """The text without terminal control characters: much of it comes from a server."""
    return "\n".join(map(printable, text.splitlines()))


def authentication(client: OAuthClient) -> str:
    """How the OAuth client authenticates."""
    method = client.token_endpoint_auth_method.value
    return f"{method} ({client.basic_encoding.value})" if method == "client_secret_basic" else method
