"""A tenant whose grants void the token before, as Neo's do."""

import asyncio
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web


class VoidingTenant:
    """Authorization server and upstream. A context manager."""

    def __init__(self) -> None:
        self.takes: Callable[[], float] = lambda: 0.0
        "Seconds for the next message."
        self.grant_takes: Callable[[], float] = lambda: 0.0
        "Seconds for the next grant."
        self.lifetime: Callable[[], int] = lambda: 3600
        "Seconds that the next token lives."
        self._renewed_after = 0.0
        "The time before which one process would ask for no other token than the last."
        self.grants = 0
        "Tokens so far, those that were granted to somebody else included."
        self.extra = 0
        "Grants that one process would not have made: the token before was valid, and not half as old as it may become."
        self.granting: list[int] = []
        "The ports from which grants were asked for that are not answered yet."
        self.granted_at = float("-inf")
        "When the last grant was answered."
        self.arrived: Counter[bytes] = Counter()
        "Messages that the flow has got, by their content."
        self.refused = 0
        "Messages with a token that is void."
        self.hold: asyncio.Event | None = None
        "Each grant waits for it, after it has voided the token before."
        self.asked = asyncio.Event()
        "Set by the first token request."
        self.rejects = False
        "Whether the authorization server refuses the credentials."
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def valid(self) -> str:
        """The upstream accepts no other."""
        return f"token-{self.grants}-cAnAryT0ken"

    def void(self) -> None:
        """As somebody else's grant does."""
        self.grants += 1
        self._renewed_after = 0.0

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/oauth2/api/v1/token", self._grant)
        application.router.add_route("*", "/http/{rest:.*}", self._serve)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _grant(self, request: web.Request) -> web.Response:
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        self.grants += 1
        self.asked.set()
        token, lifetime = self.valid, self.lifetime()
        clock = asyncio.get_running_loop()
        self.extra += clock.time() < self._renewed_after
        self._renewed_after = clock.time() + lifetime / 2
        self.granting.append(port)
        await asyncio.sleep(self.grant_takes())
        if self.hold is not None:
            await self.hold.wait()
        self.granting.remove(port)
        self.granted_at = clock.time()
        if self.rejects:
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": lifetime})

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers["Authorization"] != f"Bearer {self.valid}":
            self.refused += 1
            await asyncio.sleep(self.takes())
            return web.Response(status=401)
        self.arrived[body] += 1
        await asyncio.sleep(self.takes())
        return web.Response(text="delivered")
