"""A whole proxy within `send` and `doctor --send`, which are its one sender: a message goes the way of any other."""

import asyncio
import itertools
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, UnixConnector
from yarl import URL

from proxy.app import App
from proxy.config.model import Address, Admin, Configuration, ListenerSettings, OAuthClient, RouteSettings
from proxy.forwarding.routes import dropped_fields
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.observe.reports import reporting
from proxy.trial.message import Message

UNASKED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"Fields that aiohttp would add by itself."

KEPT = 1000
"Accounts of what was refused early."
PATIENCE = 5.0
"Seconds for the account of an exchange whose answer, or the end of whose connection, is there."

Advance = Callable[[int], object]
Sink = Callable[[bytes], object]


def ignored(_: object) -> None:
    """Takes an answer or a progress that nobody looks at."""


class Unusable(Exception):
    """Something that the configuration names cannot be used; nothing was sent."""


class RecordingLog(ProcessLog):
    """A log that keeps the accounts of exchanges for who waits for them, and writes what else is an error."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__(writer, level="error", human=True)
        self._waiting: dict[str, asyncio.Future[ExchangeRecord]] = {}
        self.early: deque[ExchangeRecord] = deque(maxlen=KEPT)
        "Of what was refused before it became an exchange: they have ids of the proxy's own."

    def exchange(self, record: ExchangeRecord) -> None:
        """Hands it over."""
        waiting = self._waiting.pop(record.request_id, None)
        if waiting is None:
            self.early.append(record)
        elif not waiting.done():
            waiting.set_result(record)

    def expect(self, request_id: str) -> "asyncio.Future[ExchangeRecord]":
        """The account of the exchange that will have this id."""
        future = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._waiting.pop(request_id, None))
        return future

    async def record(self, expected: "asyncio.Future[ExchangeRecord]", answered_id: str) -> ExchangeRecord:
        """What became of a message whose answer, if there was one, is there with this id."""
        if not expected.done():
            early = next((each for each in self.early if each.request_id == answered_id), None)
            if early is not None:
                expected.cancel()
                return early
            await asyncio.wait({expected}, timeout=PATIENCE)
        if expected.done():
            return expected.result()
        lost = self.early.pop() if self.early else ExchangeRecord("", "")
        lost.code = lost.code or "connection_lost"
        lost.detail = lost.detail or "The connection to the proxy within this command was lost."
        return lost


class Delivery(NamedTuple):
    """What became of one message, but for the answer's content."""

    record: ExchangeRecord
    reason: str = ""
    media_type: str = ""
    charset: str = "utf-8"


class EmbeddedProxy:
    """The proxy's one sender."""

    def __init__(self, session: ClientSession, ledger: RecordingLog) -> None:
        self._session = session
        self._ledger = ledger
        self._numbers = itertools.count(1)

    async def send(self, message: Message, *, sink: Sink = ignored, advance: Advance = ignored) -> Delivery:
        """Sends it once; the answer's content goes to `sink` as it comes. OSError if the file cannot be read."""
        request_id = f"send-{os.getpid():x}-{next(self._numbers)}"
        expected = self._ledger.expect(request_id)
        sized = bool(message.length) or message.method in ("POST", "PUT", "PATCH")
        length = [("Content-Length", str(message.length))] if sized else []
        sent, answered_id = Delivery(ExchangeRecord("", "")), ""
        try:
            async with self._session.request(
                message.method,
                URL(f"http://localhost{message.target}", encoded=True),
                headers=[*message.fields, ("X-Request-ID", request_id), *length],
                data=message.pieces(advance) if message.length else None,
                allow_redirects=False,
                skip_auto_headers=UNASKED,
            ) as answer:
                answered_id = answer.headers.get("X-Request-ID", "")
                sent = Delivery(sent.record, answer.reason or "", answer.content_type, answer.charset or "utf-8")
                async for piece in answer.content.iter_any():
                    if sink is not ignored:
                        await asyncio.to_thread(sink, piece)  # it may be somebody who reads slowly
        except (ClientError, OSError):  # the answer was cut, or the file became shorter: the account knows
            pass
        return sent._replace(record=await self._ledger.record(expected, answered_id))


@asynccontextmanager
async def proxy_inside(configuration: Configuration, environ: Mapping[str, str]) -> AsyncIterator[EmbeddedProxy]:
    """A proxy with these OAuth clients and routes, which listens where only this user gets in.

    It has one sender, who leaves when this ends: nothing is waited for then, and no number of connections is too many.
    """
    loop = asyncio.get_running_loop()
    async with private_folder() as folder:
        senders, admin = Address(path=Path(folder, "senders")), Address(path=Path(folder, "admin"))
        ledger = RecordingLog(LineWriter(2))
        ours = configuration.model_copy(
            update={
                "listen": (ListenerSettings(address=senders),),
                "admin": Admin(address=admin),
                "routes": tuple(map(ungated, configuration.routes)),
                "oauth_clients": {name: lazy(client) for name, client in configuration.oauth_clients.items()},
                "drain_timeout": 0.0,
                "limits": configuration.limits.model_copy(update={"max_connections": 100_000}),
            }
        )
        try:
            app = await asyncio.to_thread(lambda: App(ours, log=ledger, environ=environ, loop=loop))
        except (OSError, ValueError) as error:
            raise Unusable(str(error)) from error
        try:
            await app.start()
            async with ClientSession(
                connector=UnixConnector(str(senders.path), limit=0),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None),
                auto_decompress=False,
            ) as session:
                with reporting(ledger.logger, loop, fatal=False):
                    yield EmbeddedProxy(session, ledger)
        finally:
            await app.stop()


def ungated(route: RouteSettings) -> RouteSettings:
    """The route without `inbound_auth`: whoever gets in here is this user, who may read its files anyway."""
    return route.model_copy(update={"inbound_auth": None, "drop_fields": dropped_fields(route)})


def lazy(client: OAuthClient) -> OAuthClient:
    """Returns the OAuth client without `grant_at_start`: only the message's own OAuth client needs a token."""
    return client.model_copy(update={"grant_at_start": False})


@asynccontextmanager
async def private_folder() -> AsyncIterator[str]:
    """A folder that only this user can look into (mode 0700), while it is needed."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="cpi-oauth-proxy-")
    try:
        yield folder.name
    finally:
        await asyncio.to_thread(folder.cleanup)
