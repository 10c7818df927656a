"""`token`: one grant, and what came of it; the way to try a secret without sending a message."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from proxy.cli.configuration import FAULTY, config_option, read
from proxy.cli.loops import run
from proxy.clock import SystemClock
from proxy.config.model import OAuthClient
from proxy.cpi.roles import roles, scopes
from proxy.errors import AuthorizationServerError
from proxy.oauth.claims import claims
from proxy.oauth.credentials import with_secrets
from proxy.oauth.endpoint import GrantSession
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Token
from proxy.observe.line_writer import LineWriter
from proxy.observe.log_format import printable
from proxy.observe.logger import Logger
from proxy.observe.process_log import ProcessLog


@click.command()
@click.argument("oauth_client", required=False)
@click.option("--all", "everyone", is_flag=True, help="One grant for each OAuth client.")
@click.option("--raw", is_flag=True, help="Print the token itself, and nothing else.")
@config_option
def command(oauth_client: str | None, file: Path | None, *, everyone: bool, raw: bool) -> None:
    """Obtain a token for OAUTH_CLIENT and tell what it is good for."""
    known = read(file, insecure_listen=True).oauth_clients  # nobody listens
    if oauth_client is None and len(known) == 1:
        everyone = True
    if everyone == (oauth_client is not None):
        click.echo(f"Name one OAuth client ({', '.join(known)}), or say --all.", err=True)
        sys.exit(FAULTY)
    if oauth_client is not None and oauth_client not in known:
        click.echo(f"There is no OAuth client {oauth_client}; there is {', '.join(known)}.", err=True)
        sys.exit(FAULTY)
    chosen = list(known.values()) if oauth_client is None else [known[oauth_client]]
    outcomes = run(_grants(chosen))
    for number, outcome in enumerate(outcomes):
        apart = "\n" if number and not raw else ""
        click.echo(apart + outcome.text(raw=raw), err=outcome.error is not None)
    sys.exit(any(outcome.error is not None for outcome in outcomes))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReport:
    """One grant: a token or a failure."""

    client: OAuthClient
    seconds: float
    token: Token | None = None
    error: AuthorizationServerError | None = None

    @property
    def access_token(self) -> str:
        """Nothing where there is none."""
        return self.token.authorization.decode().removeprefix("Bearer ") if self.token else ""

    @property
    def granted(self) -> tuple[str, ...]:
        """The scopes that the token is good for, as far as it or its answer tells."""
        return scopes(self.token.scopes if self.token else (), claims(self.access_token))

    @property
    def lifetime(self) -> float:
        """Seconds; 0 without a token."""
        return self.token.expires.wall - self.token.obtained.wall if self.token else 0.0

    def text(self, *, raw: bool) -> str:
        """For people, or the token alone."""
        if self.token is None:
            return f"{self.client.name}: {self.error.detail if self.error else 'no token'}"
        if raw:
            return self.access_token
        return "\n".join(f"{name:<16}{shown(value)}" for name, value in self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        client, claimed, granted = self.client, claims(self.access_token), self.granted
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.token.expires.wall if self.token else 0))
        return [
            ("OAuth client", client.name),
            ("token URL", client.token_url),
            ("authentication", authentication(client)),
            ("granted in", f"{self.seconds:.3f} s"),
            ("lifetime", f"{self.lifetime:.0f} s, until {until}"),
            ("scopes", " ".join(granted) or "none named"),
            ("roles", " ".join(roles(granted)) or "none named"),
            ("claims", json.dumps(claimed, indent=2) if claimed else "none: the token is opaque"),
        ]


def shown(value: str) -> str:
    """Without what would control the terminal: much of it is a server's text."""
    return "\n".join(map(printable, value.splitlines()))


def authentication(client: OAuthClient) -> str:
    """How the OAuth client authenticated."""
    method = client.token_endpoint_auth_method.value
    return f"{method} ({client.basic_encoding.value})" if method == "client_secret_basic" else method


async def _grants(clients: Sequence[OAuthClient]) -> list[GrantReport]:
    return [await grant(client) for client in clients]


def token_source(client: OAuthClient, session: GrantSession, log: Logger) -> TokenSource:
    """The client's token source; reads its secret files, so not within the event loop."""
    client, clock = with_secrets(client), SystemClock()
    return TokenSource(client, GrantRunner(client, session.endpoint(client), clock=clock), clock=clock, log=log)


async def grant(client: OAuthClient) -> GrantReport:
    """One grant, with the retries that a running proxy makes."""
    log = ProcessLog(LineWriter(2), level="error", human=True)
    began = time.monotonic()
    async with GrantSession(environ=os.environ) as session:
        source = await asyncio.to_thread(token_source, client, session, log.logger)
        try:
            token = await source.token()
        except AuthorizationServerError as error:
            return GrantReport(client=client, seconds=time.monotonic() - began, error=error)
        finally:
            await source.close()
    return GrantReport(client=client, seconds=time.monotonic() - began, token=token)
