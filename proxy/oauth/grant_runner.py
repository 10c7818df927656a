"""One grant from beginning to end: the request, SAP's retries, the second secret.

Knows nothing of who waits for the token, and keeps only which of two secrets worked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from proxy.errors import AuthorizationServerError, GrantRejected, GrantTimeout
from proxy.oauth.answer import TokenResponse, read_answer
from proxy.oauth.backoff import retry_pause
from proxy.oauth.client_auth import ClientAuth, client_auths
from proxy.oauth.grant import GrantRequest, grant_request
from proxy.oauth.token import Freshness, Moment, Token, issue

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.config.model import OAuthClient
    from proxy.oauth.timer import Timer

Random = Callable[[], float]
"Yields numbers from 0 to 1."


class Channel(Protocol):
    """Sends one OAuth client's token requests."""

    async def send(self, request: GrantRequest) -> TokenResponse:
        """Return the answer, whatever its status; AuthorizationServerError if there is none."""
        ...


class Endpoint(Protocol):
    """Reaches token endpoints."""

    def channel(self, client: "OAuthClient") -> Channel:
        """Return what sends this OAuth client's requests."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDependencies:
    """What a grant needs of the world, and whom it tells of each token request."""

    endpoint: Endpoint
    clock: "Clock"
    timer: "Timer"
    random: Random
    new_id: Callable[[], str]
    on_request: Callable[[str, float], None]
    "Told the outcome (`granted` or the failure's code) and the seconds of each token request."


class GrantRunner:
    """The way to a token for one OAuth client with the credentials it has now."""

    def __init__(self, client: "OAuthClient", means: GrantDependencies) -> None:
        self._client = client
        self._means = means
        self._auths = client_auths(client, wall=means.clock.wall, new_id=means.new_id)
        self._request = grant_request(client)
        self._channel = means.endpoint.channel(client)
        self.last_failure: AuthorizationServerError | None = None
        "Of the grant in flight, for those who cannot wait for its end."

    async def run(self, patience_left: Callable[[], float]) -> Token:
        """Return a new token, or raise the last failure.

        Tries again, where that helps, while `patience_left` says that somebody will still be waiting.
        """
        self.last_failure = None
        retries = 0
        while True:
            try:
                return await self._try_each_secret()
            except _Failed as failed:
                self.last_failure = failed.error
                pause = retry_pause(
                    failed.status,
                    retries=retries,
                    retry_after=failed.error.retry_after,
                    provider=self._client.provider,
                    jitter=self._means.random(),
                )
                if failed.error.definite or pause is None or pause >= patience_left():
                    raise failed.error from failed.error.__cause__
            await self._pause(pause)
            retries += 1

    async def _try_each_secret(self) -> Token:
        """Ask once, and once more with the other secret if the first is refused; the one that works stays in front."""
        *others, last = self._auths
        for auth in others:
            try:
                return await self._ask(auth)
            except _Failed as failed:
                if not isinstance(failed.error, GrantRejected):
                    raise
        token = await self._ask(last)
        self._auths = (last, *others)
        return token

    async def _ask(self, auth: ClientAuth) -> Token:
        """Send one token request."""
        asked = Moment.now(self._means.clock)
        status = None
        try:
            request = auth.amend(self._request)
            answer = await self._channel.send(request)
            status = answer.status
            token = self._read(answer, request, asked)
        except AuthorizationServerError as error:
            self._tell(error.code, asked)
            raise _Failed(error, status) from error
        self._tell("granted", asked)
        return token

    def _read(self, answer: TokenResponse, request: GrantRequest, asked: Moment) -> Token:
        now = Moment.now(self._means.clock)
        token = issue(
            read_answer(answer, request, wall=now.wall),
            asked=asked,
            expiry_buffer=self._client.expiry_buffer,
            default_ttl=self._client.default_ttl,
            jitter=self._means.random(),
        )
        if token.freshness(now) is Freshness.EXPIRED:
            raise GrantTimeout(
                f"The token endpoint {request.host} of OAuth client {self._client.name} took longer to answer "
                "than its token is valid: give the tokens a longer lifetime."
            )
        return token

    def _tell(self, outcome: str, asked: Moment) -> None:
        self._means.on_request(outcome, self._means.clock.monotonic() - asked.monotonic)

    async def _pause(self, seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm = self._means.timer.call_later(seconds, partial(_wake, over))
        try:
            await over
        finally:
            alarm.cancel()


class _Failed(Exception):
    """A token request that gave no token, with the status that decides about a retry; never leaves this file."""

    def __init__(self, error: AuthorizationServerError, status: int | None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.status = status


def _wake(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)
