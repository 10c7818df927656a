"""One grant at the authorization server: the token request, SAP's retries, the second secret."""

import asyncio
import random as chance
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from proxy.errors import AuthorizationServerError, GrantRejected, GrantTimeout
from proxy.oauth.answer import TokenResponse, read_answer
from proxy.oauth.backoff import retry_pause
from proxy.oauth.client_auth import ClientAuth, client_auths
from proxy.oauth.grant import GrantRequest, grant_request
from proxy.oauth.token import Freshness, Moment, Token, issue
from proxy.timeouts import LateCall

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.config.model import OAuthClient
    from proxy.oauth.granter import GrantProgress
    from proxy.oauth.waiters import CallLater


class TokenEndpoint(Protocol):
    """The token endpoint of one OAuth client."""

    async def send(self, request: GrantRequest) -> TokenResponse:
        """Returns the answer, whatever its status; AuthorizationServerError if there is none."""
        ...


class GrantRunner:
    """Asks the authorization server for tokens of one OAuth client; a Granter.

    It remembers nothing but which of two secrets worked last.
    """

    def __init__(
        self,
        client: "OAuthClient",
        endpoint: TokenEndpoint,
        *,
        clock: "Clock",
        call_later: "CallLater" = LateCall,
        random: Callable[[], float] = chance.random,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`random` returns numbers from 0 to 1. ValueError if a credential is missing or cannot be read."""
        self._client, self._endpoint = client, endpoint
        self._clock, self._call_later, self._random = clock, call_later, random
        self._auths = client_auths(client, wall=clock.wall, new_id=new_id)
        self._request = grant_request(client)

    async def grant(self, refused: Token | None, progress: "GrantProgress") -> Token:
        """Returns a new token, or raises the last failure; tries again if that helps and an exchange still waits."""
        del refused  # only the server knows whether it grants the same token again
        retries = 0
        while True:
            try:
                return await self._try_each_secret(progress)
            except _Failed as failed:
                progress.failure = failed.error
                pause = retry_pause(
                    failed.status,
                    retries=retries,
                    retry_after=failed.error.retry_after,
                    provider=self._client.provider,
                    jitter=self._random(),
                )
                if failed.error.definite or pause is None or pause >= progress.seconds_left():
                    raise failed.error from failed.error.__cause__
            await self._pause(pause)
            retries += 1

    async def _try_each_secret(self, progress: "GrantProgress") -> Token:
        """Asks once, and again with the other secret if the first is rejected; the one that works is tried first."""
        *others, last = self._auths
        for auth in others:
            try:
                return await self._ask(auth, progress)
            except _Failed as failed:
                if not isinstance(failed.error, GrantRejected):
                    raise
        token = await self._ask(last, progress)
        self._auths = (last, *others)
        return token

    async def _ask(self, auth: ClientAuth, progress: "GrantProgress") -> Token:
        """Sends one token request."""
        asked = Moment.now(self._clock)
        status = None
        try:
            request = auth.amend(self._request)
            answer = await self._endpoint.send(request)
            status = answer.status
            token = self._read(answer, request, asked)
        except AuthorizationServerError as error:
            progress.on_request(error.code, self._clock.monotonic() - asked.monotonic)
            raise _Failed(error, status) from error
        progress.on_request("granted", self._clock.monotonic() - asked.monotonic)
        return token

    def _read(self, answer: TokenResponse, request: GrantRequest, asked: Moment) -> Token:
        now = Moment.now(self._clock)
        token = issue(
            read_answer(answer, request, wall=now.wall),
            asked=asked,
            expiry_buffer=self._client.expiry_buffer,
            default_ttl=self._client.default_ttl,
            jitter=self._random(),
        )
        if token.freshness(now) is Freshness.EXPIRED:
            raise GrantTimeout(
                f"{request.subject} took longer to answer than its token is valid: use a longer lifetime."
            )
        return token

    async def _pause(self, seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self._call_later(seconds, partial(_resolve, over))
        try:
            await over
        finally:
            handle.cancel()


class _Failed(Exception):
    """A token request that failed, with the status that decides about a retry; never leaves this file."""

    def __init__(self, error: AuthorizationServerError, status: int | None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.status = status


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
