"""Runs a whole proxy within a command, which is its only sender: a message passes through it as any other."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, UnixConnector
from yarl import URL

from proxy.app import App
from proxy.config.model import (
    Address,
    Admin,
    Configuration,
    ListenerSettings,
    OAuthClient,
    RouteSettings,
)
from proxy.forwarding.routes import dropped_fields
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.observers import ObservedHead
from proxy.observe.reports import reporting
from proxy.trial.message import Message
from proxy.trial.recording_log import RecordingLog

UNASKED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"Fields that aiohttp would add by itself."

Advance = Callable[[int], object]
Sink = Callable[[bytes], object]
Headed = Callable[["SendResult"], object]


def ignored(_: object) -> None:
    """Discards a part of an answer, or a progress report."""


class HeadRecorder:
    """Lets the record of each exchange keep the heads that were forwarded."""

    def began(self, record: ExchangeRecord, head: ObservedHead, *, secure: bool) -> None:
        """Asks for the heads."""
        del head, secure
        record.heads = []

    def finished(self, record: ExchangeRecord) -> None:
        """Nothing is left to do."""


class Unusable(Exception):
    """A file or address in the configuration cannot be used; nothing was sent."""


class SendResult(NamedTuple):
    """The outcome of one message, without the answer's content."""

    record: ExchangeRecord
    status: int = 0
    "0 if there is no answer."
    reason: str = ""
    media_type: str = ""
    charset: str = "utf-8"
    fields: tuple[tuple[str, str], ...] = ()
    "The answer's, in order."

    @property
    def head(self) -> list[str]:
        """The lines of the answer's head."""
        first = f"HTTP/1.1 {self.status} {self.reason}".rstrip()
        return [first, *(f"{name}: {value}" for name, value in self.fields)]


class EmbeddedProxy:
    """Sends messages through the embedded proxy."""

    def __init__(self, session: ClientSession, log: RecordingLog) -> None:
        self._session = session
        self._log = log
        self._numbers = itertools.count(1)

    async def send(
        self, message: Message, *, headed: Headed = ignored, sink: Sink = ignored, advance: Advance = ignored
    ) -> SendResult:
        """Sends the message once; `headed` gets the answer's head, then `sink` the content as it arrives."""
        request_id = f"send-{os.getpid():x}-{next(self._numbers)}"
        expected = self._log.expect(request_id)
        sized = bool(message.length) or message.method in ("POST", "PUT", "PATCH")
        length = [("Content-Length", str(message.length))] if sized else []
        sent, answered_id = SendResult(ExchangeRecord("", "")), ""
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
                sent = delivered(answer)
                headed(sent)
                async for piece in answer.content.iter_any():
                    if sink is not ignored:
                        await asyncio.to_thread(sink, piece)  # the reader may be slow
        except (ClientError, OSError):  # the answer was cut, or the file became shorter: the record tells
            pass
        return sent._replace(record=await self._log.record(expected, answered_id))


def delivered(answer: ClientResponse) -> SendResult:
    """The head of an answer; its record comes later."""
    return SendResult(
        ExchangeRecord("", ""),
        status=answer.status,
        reason=answer.reason or "",
        media_type=answer.content_type,
        charset=answer.charset or "utf-8",
        fields=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers),
    )


@asynccontextmanager
async def embedded_proxy(
    configuration: Configuration, environ: Mapping[str, str], *, keep_heads: bool = False
) -> AsyncIterator[EmbeddedProxy]:
    """Runs a proxy with these OAuth clients and routes, on a socket that only this user can open.

    When the block ends, its only sender is gone: there is nothing to drain, and connections are not limited. With
    `keep_heads` the records have the heads that were forwarded, credentials included.
    """
    observers = (HeadRecorder(),) if keep_heads else ()
    loop = asyncio.get_running_loop()
    async with private_folder() as folder:
        senders, admin = Address(path=Path(folder, "senders")), Address(path=Path(folder, "admin"))
        log = RecordingLog(LineWriter(2))
        ours = configuration.model_copy(
            update={
                "listen": (ListenerSettings(address=senders),),
                "admin": Admin(address=admin),  # its token is in that folder too
                "routes": tuple(map(direct, configuration.routes)),
                "oauth_clients": {
                    name: without_grant_at_start(client) for name, client in configuration.oauth_clients.items()
                },
                "drain_timeout": 0.0,
                "store": configuration.store.model_copy(update={"path": None}),
                "limits": configuration.limits.model_copy(update={"max_connections": 100_000}),
            }
        )
        here = {**environ, "RUNTIME_DIRECTORY": folder}
        try:
            app = await asyncio.to_thread(
                lambda: App(ours, log=log, environ=here, loop=loop, beginning=observers, delivers=False)
            )
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
                with reporting(log.logger, loop, fatal=False):
                    yield EmbeddedProxy(session, log)
        finally:
            await app.stop()


def direct(route: RouteSettings) -> RouteSettings:
    """The route without `inbound_auth`, because only this user can connect, who may read its files anyway.

    It has no outbox, which belongs to running proxies: the command shows the upstream's answer.
    """
    return route.model_copy(update={"inbound_auth": None, "outbox": None, "drop_fields": dropped_fields(route)})


def without_grant_at_start(client: OAuthClient) -> OAuthClient:
    """Returns the OAuth client without `grant_at_start`, because only the message's own OAuth client needs a token."""
    return client.model_copy(update={"grant_at_start": False})


@asynccontextmanager
async def private_folder() -> AsyncIterator[str]:
    """A temporary folder with mode 0700."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="cpi-oauth-proxy-")
    try:
        yield folder.name
    finally:
        await asyncio.to_thread(folder.cleanup)
