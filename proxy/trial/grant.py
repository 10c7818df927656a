"""Requests one token, as a running proxy does, and keeps what it is good for."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.clock import SystemClock
from proxy.config.model import OAuthClient
from proxy.cpi.roles import roles, scopes
from proxy.oauth.claims import claims
from proxy.oauth.credentials import with_secrets
from proxy.oauth.endpoint import GrantSession
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Token
from proxy.observe.line_writer import LineWriter
from proxy.observe.logger import Logger
from proxy.observe.process_log import ProcessLog


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedToken:
    """A token, and how long the grant took."""

    token: Token
    seconds: float

    @property
    def access_token(self) -> str:
        """The token itself, without its scheme."""
        return self.token.authorization.decode().removeprefix("Bearer ")

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of a JWT; empty if the token is opaque."""
        return claims(self.access_token)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The granted scopes, as far as the token or the answer names them."""
        return scopes(self.token.scopes, self.claims)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles among the scopes."""
        return roles(self.scopes)

    @property
    def lifetime(self) -> float:
        """Seconds."""
        return self.token.expires.wall - self.token.obtained.wall


async def grant(client: OAuthClient, environ: Mapping[str, str]) -> GrantedToken:
    """One grant, with the retries of a running proxy; raises AuthorizationServerError."""
    log = ProcessLog(LineWriter(2), level="error", human=True)
    began = time.monotonic()
    async with GrantSession(environ=environ) as session:
        source = await asyncio.to_thread(_token_source, client, session, log.logger)
        try:
            token = await source.token()
        finally:
            await source.close()
    return GrantedToken(token=token, seconds=time.monotonic() - began)


def _token_source(client: OAuthClient, session: GrantSession, log: Logger) -> TokenSource:
    """The client's token source; reads secret files, so it runs in a thread."""
    client, clock = with_secrets(client), SystemClock()
    return TokenSource(client, GrantRunner(client, session.endpoint(client), clock=clock), clock=clock, log=log)
