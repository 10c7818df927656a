"""A token source in memory: no sockets, a clock moved by hand, answers one by one."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from proxy.config.model import OAuthClient
from proxy.errors import ProxyError
from proxy.oauth.answer import TokenResponse
from proxy.oauth.grant import GrantRequest
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.granter import Granter
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Token
from tests.fakes.clock import HandClock
from tests.unit.oauth.registrations import registration


class MemoryEndpoint:
    """Keeps every request, and leaves it open until it is answered."""

    def __init__(self) -> None:
        self.requests: list[GrantRequest] = []
        self.open: list[asyncio.Future[TokenResponse]] = []
        self.most_open = 0
        self.on_send: Callable[[], None] = lambda: None
        "Called before each request is kept."

    async def send(self, request: GrantRequest) -> TokenResponse:
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
        self.all.append((event, fields))

    debug = warning = error = info

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.all if name == event]


class World:
    """A token source with all its seams."""

    def __init__(
        self,
        client: OAuthClient | None = None,
        *,
        random: float = 0.0,
        wrap: Callable[[Granter], Granter] = lambda granter: granter,
        **options: Any,
    ) -> None:
        self.clock, self.endpoint, self.log = HandClock(), MemoryEndpoint(), Lines()
        self._seams: dict[str, Any] = {
            "clock": self.clock,
            "call_later": self.clock.call_later,
            "random": lambda: random,
        }
        client = client or registration()
        self.source = TokenSource(client, wrap(self.granter(client)), log=self.log, **self._seams, **options)

    def granter(self, client: OAuthClient) -> Granter:
        return GrantRunner(client, self.endpoint, **self._seams)

    def apply(self, **changes: Any) -> None:
        client = registration(**changes)
        self.source.apply(client, self.granter(client))

    async def grant(self, token: str = "t0ken", expires_in: float = 3600) -> None:
        document = {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
        await self.answer(200, body=json.dumps(document).encode())

    async def answer(self, status: int, **rest: Any) -> None:
        self.endpoint.open[0].set_result(TokenResponse(status=status, **rest))
        await turns()

    async def rejected(self) -> "asyncio.Task[str]":
        """Begin to wait for a token, which the server refuses with 401."""
        task = await self.wait()
        await self.answer(401)
        return task

    async def fail(self, error: BaseException) -> None:
        self.endpoint.open[0].set_exception(error)
        await turns()

    async def wait(self, refused: Token | None = None) -> "asyncio.Task[str]":

        async def wait() -> str:
            return name_of(await self.source.token(refused))

        task = asyncio.create_task(wait())
        await turns()
        return task

    async def have(self, token: str = "t0ken", expires_in: float = 3600, *, for_seconds: float = 0) -> Token:
        """Get this token, and let time pass."""
        task = await self.wait()
        await self.grant(token, expires_in)
        assert await task == token
        await self.advance(for_seconds)
        assert self.source._token is not None
        return self.source._token

    async def ready(self, refused: Token | None = None) -> str | None:
        """The token that can be used at once, after letting a renewal begin."""
        token = self.source.ready(refused)
        await turns()
        return None if token is None else name_of(token)

    async def invalidate(self, token: Token) -> bool:
        """Let an upstream refuse the token, and a renewal begin."""
        again = self.source.invalidate(token)
        await turns()
        return again

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await turns()

    def is_blocked(self) -> bool:
        return self.source.is_blocked

    def awaits_first_grant(self) -> bool:
        return self.source.awaits_first_grant

    @property
    def asked(self) -> int:
        return len(self.endpoint.requests)

    @property
    def secrets(self) -> list[str]:
        return [dict(each.form)["client_secret"] for each in self.endpoint.requests]


class Refusal(NamedTuple):
    """What an exchange is told that gets no token."""

    kind: type[ProxyError]
    detail: str
    retry_after: int | None


def refusal_of(task: "asyncio.Task[str]") -> Refusal:
    """What a waiting exchange was told."""
    error = task.exception()
    assert isinstance(error, ProxyError)
    return Refusal(type(error), error.detail, error.retry_after)


def name_of(token: Token) -> str:
    """The token without its scheme."""
    return token.authorization.decode().removeprefix("Bearer ")


async def turns() -> None:
    """Let the event loop do all that is ready."""
    for _ in range(12):
        await asyncio.sleep(0)
