"""A token source in a world of memory: no sockets, time by hand, answers one by one."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from proxy.config.model import OAuthClient
from proxy.errors import AuthorizationServerError, ProxyError
from proxy.oauth.answer import TokenResponse
from proxy.oauth.grant import GrantRequest
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Token
from tests.fakes.clock import HandClock
from tests.unit.oauth.registrations import registration


class MemoryEndpoint:
    """Keeps every request and leaves it open until it is answered."""

    def __init__(self) -> None:
        self.requests: list[GrantRequest] = []
        self.clients: list[OAuthClient] = []
        self.open: list[asyncio.Future[TokenResponse]] = []
        self.most_open = 0
        self.on_send: Callable[[], None] = lambda: None
        "Called before each request is taken."

    def channel(self, client: OAuthClient) -> "MemoryEndpoint":
        """Serve every OAuth client."""
        self.clients.append(client)
        return self

    async def send(self, request: GrantRequest) -> TokenResponse:
        """Wait for the answer."""
        waiting: asyncio.Future[TokenResponse] = asyncio.get_running_loop().create_future()
        self.on_send()
        self.requests.append(request)
        self.open.append(waiting)
        self.most_open = max(self.most_open, len(self.open))
        try:
            return await waiting
        finally:
            self.open.remove(waiting)


class Lines:
    """A log that can be read."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        """Keep the line."""
        self.all.append((event, fields))

    debug = warning = error = info

    def named(self, event: str) -> list[dict[str, Any]]:
        """Return the fields of all lines of this event."""
        return [fields for name, fields in self.all if name == event]


class World:
    """A token source with all its seams."""

    def __init__(self, client: OAuthClient | None = None, *, random: float = 0.0, **options: Any) -> None:
        self.clock, self.endpoint, self.log = HandClock(), MemoryEndpoint(), Lines()
        self.client = client or registration()
        self.source = TokenSource(
            self.client,
            endpoint=self.endpoint,
            clock=self.clock,
            timer=self.clock,
            random=lambda: random,
            log=self.log,
            **options,
        )

    async def grant(self, token: str = "t0ken", expires_in: float = 3600) -> None:
        """Answer the open request with a token."""
        document = {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
        await self.answer(200, body=json.dumps(document).encode())

    async def answer(self, status: int, **rest: Any) -> None:
        """Answer the open request."""
        self.endpoint.open[0].set_result(TokenResponse(status=status, **rest))
        await turns()

    async def fail(self, error: AuthorizationServerError) -> None:
        """Let the open request fail without an answer."""
        self.endpoint.open[0].set_exception(error)
        await turns()

    async def wait(self, refused: Token | None = None) -> "asyncio.Task[bytes]":
        """Begin to wait for a token."""

        async def authorization() -> bytes:
            return (await self.source.token(refused)).authorization

        task = asyncio.create_task(authorization())
        await turns()
        return task

    async def have(self, token: str = "t0ken", expires_in: float = 3600) -> None:
        """Come to have this token."""
        task = await self.wait()
        await self.grant(token, expires_in)
        await task

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        await turns()

    @property
    def asked(self) -> int:
        """Token requests so far."""
        return len(self.endpoint.requests)


def error_of(task: "asyncio.Task[bytes]") -> tuple[type, str, int | None]:
    """Return what a waiter was told."""
    error = task.exception()
    assert isinstance(error, ProxyError)
    return type(error), error.detail, error.retry_after


async def turns() -> None:
    """Let the event loop do all that is ready."""
    for _ in range(12):
        await asyncio.sleep(0)
