"""A whole proxy in this process with one sender, ourselves: what goes through it goes the way of any real message."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, UnixConnector
from yarl import URL

from proxy.app import App, dropped_fields
from proxy.cli.message import Message
from proxy.config.model import Address, Configuration, Listener, Route
from proxy.observe.account import Account
from proxy.observe.lines import LineWriter
from proxy.observe.logs import Log

UNASKED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"Fields that aiohttp would add by itself."

Advance = Callable[[int], object]
Sink = Callable[[bytes], object]


def ignored(_: object) -> None:
    """For who does not want to know."""


class Ledger(Log):
    """A log that keeps the accounts of exchanges for who waits for them, and writes what else is an error."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__(writer, level="error", human=True)
        self._waiting: dict[str, asyncio.Future[Account]] = {}

    def exchange(self, account: Account) -> None:
        """Hands it over."""
        waiting = self._waiting.pop(account.request_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(account)

    def await_account(self, request_id: str) -> "asyncio.Future[Account]":
        """The account of the exchange that will have this id."""
        future = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        return future


class Sent(NamedTuple):
    """What became of one message, but for the answer's content."""

    account: Account
    reason: str = ""
    media_type: str = ""
    charset: str = "utf-8"


class Inside:
    """The proxy's one sender."""

    def __init__(self, session: ClientSession, ledger: Ledger) -> None:
        self._session = session
        self._ledger = ledger
        self._numbers = itertools.count(1)

    async def send(self, message: Message, *, sink: Sink = ignored, advance: Advance = ignored) -> Sent:
        """Sends it once; the answer's content goes to `sink` as it comes. OSError if the file cannot be read."""
        request_id = f"send-{os.getpid():x}-{next(self._numbers)}"
        account = self._ledger.await_account(request_id)
        sized = bool(message.length) or message.method in ("POST", "PUT", "PATCH")
        length = [("Content-Length", str(message.length))] if sized else []
        sent = Sent(Account("", ""))
        try:
            async with self._session.request(
                message.method,
                URL(f"http://localhost{message.target}", encoded=True),
                headers=[*message.fields, ("X-Request-ID", request_id), *length],
                data=message.pieces(advance) if message.length else None,
                allow_redirects=False,
                skip_auto_headers=UNASKED,
            ) as answer:
                sent = Sent(Account("", ""), answer.reason or "", answer.content_type, answer.charset or "utf-8")
                async for piece in answer.content.iter_any():
                    sink(piece)
        except ClientError:  # the proxy has cut the answer, and says why in the account
            pass
        return sent._replace(account=await account)


@asynccontextmanager
async def proxy_inside(configuration: Configuration, environ: Mapping[str, str]) -> AsyncIterator[Inside]:
    """A proxy with these OAuth clients and routes, which listens where only this user gets in."""
    loop = asyncio.get_running_loop()
    async with private_folder() as folder:
        senders, admin = Address(path=Path(folder, "senders")), Address(path=Path(folder, "admin"))
        ledger = Ledger(LineWriter(2))
        routes = tuple(map(ungated, configuration.routes))
        ours = configuration.model_copy(
            update={"listen": (Listener(address=senders),), "admin": admin, "routes": routes}
        )
        app = await asyncio.to_thread(lambda: App(ours, log=ledger, environ=environ, loop=loop))
        await app.start()
        try:
            async with ClientSession(
                connector=UnixConnector(str(senders.path), limit=0),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None),
                auto_decompress=False,
            ) as session:
                yield Inside(session, ledger)
        finally:
            await app.stop()


def ungated(route: Route) -> Route:
    """The route without `inbound_auth`: whoever gets in here is this user, who may read its files anyway."""
    return route.model_copy(update={"inbound_auth": None, "drop_fields": dropped_fields(route)})


@asynccontextmanager
async def private_folder() -> AsyncIterator[str]:
    """A folder that only this user can look into (mode 0700), while it is needed."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="cpi-oauth-proxy-")
    try:
        yield folder.name
    finally:
        await asyncio.to_thread(folder.cleanup)
