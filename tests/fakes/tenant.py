"""A tenant that goes away and comes back: an upstream that counts what arrives, and a token endpoint with secrets.

Messages are told apart by the number that their body begins with, up to the first octet that is no digit.
"""

import asyncio
import base64
import json
import re
import ssl
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import unquote

PATIENCE = 60.0
"Seconds after which a test that waits in vain fails."
ROOM = 1 << 17
"Octets of a request that are read at a time."
LIFETIME = 3600.0
"Seconds that a token lasts where nothing else is said."


class Place:
    """A port where a server listens, unless it is away: that cuts all connections. A context manager."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._served: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0
        "Where it listens; the same after each return."

    async def __aenter__(self) -> Self:
        await self.comes_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.goes_away()

    async def comes_back(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls, limit=ROOM)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def goes_away(self) -> None:
        """And cut all connections."""
        if self._server is None:
            return
        self._server.close()
        await self.cuts()
        await self._server.wait_closed()
        self._server = None

    async def cuts(self) -> None:
        """And listen on."""
        served = dict(self._served)
        for task, writer in served.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)

    async def answer(self, head: str, body: bytes) -> bytes:
        """As it is sent."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served[task] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
                writer.write(await self.answer(head, await reader.readexactly(int(length[1]) if length else 0)))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            del self._served[task]


class TokenEndpoint(Place):
    """Takes the secrets that are good now (RFC 6749 §4.4), or says nothing."""

    def __init__(self, *secrets: str) -> None:
        super().__init__()
        self.secrets = set(secrets)
        "Those that are good."
        self.lifetimes: dict[str, float] = {}
        "Seconds, by client_id."
        self.hangs = False
        "Whether it takes requests and says nothing, until it goes away."
        self.granted: Counter[str] = Counter()
        "Tokens, by the secret that they were granted for."
        self.refused: Counter[str] = Counter()
        "Refusals, by secret."
        self.unanswered = 0
        "Requests that it said nothing to."
        self._ends: dict[str, float] = {}
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oauth/token"

    def knows(self, token: str) -> bool:
        """Granted here, and not expired."""
        return self._ends.get(token, 0.0) > asyncio.get_running_loop().time()

    async def grants(self, secret: str, count: int) -> None:
        """Wait for so many."""
        await self._reaches(lambda: self.granted[secret], count)

    async def asked(self, count: int) -> None:
        """Wait until so many hang."""
        await self._reaches(lambda: self.unanswered, count)

    async def answer(self, head: str, body: bytes) -> bytes:
        del body
        if self.hangs:
            self.unanswered += 1
            self._changed.set()
            await asyncio.Event().wait()
        shown = re.search(r"(?i)\r\nauthorization: *basic (\S+)", head)
        assert shown is not None
        client, _, secret = map(unquote, base64.b64decode(shown[1]).decode().partition(":"))
        if secret not in self.secrets:
            self.refused[secret] += 1
            return response(401, json.dumps({"error": "invalid_client"}))
        self.granted[secret] += 1
        token, lifetime = f"token-{client}-{self.granted.total()}", self.lifetimes.get(client, LIFETIME)
        self._ends[token] = asyncio.get_running_loop().time() + lifetime
        self._changed.set()
        return response(200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime)}))

    async def _reaches(self, counted: Callable[[], int], count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while counted() < count:
                self._changed.clear()
                await self._changed.wait()


class CountingUpstream(Place):
    """Counts whole messages with a good token, and answers each after some seconds."""

    def __init__(self, endpoint: TokenEndpoint, *, tls: ssl.SSLContext | None = None, takes: float = 0.0) -> None:
        super().__init__(tls)
        self._endpoint = endpoint
        self.takes = takes
        "Seconds for a message."
        self.arrived: Counter[int] = Counter()
        "How often each message arrived."
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def takes_one(self) -> None:
        """Wait for another message."""
        self._came.clear()
        async with asyncio.timeout(PATIENCE):
            await self._came.wait()

    async def answer(self, head: str, body: bytes) -> bytes:
        """200 if it is counted, else 401."""
        shown = re.search(r"(?i)\r\nauthorization: *bearer (\S+)", head)
        if shown is None or not self._endpoint.knows(shown[1]):
            return response(401, "")
        if number := re.match(rb"\d+", body):
            self.arrived[int(number[0])] += 1
            self._came.set()
        await asyncio.sleep(self.takes)
        return response(200, "<accepted/>")


def response(status: int, body: str) -> bytes:
    """As octets."""
    return f"HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
