"""The running proxy, which a command of the same user reaches by its admin address."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import (
    BaseConnector,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    UnixConnector,
)

from proxy.admin.access import CONSOLE
from proxy.admin.token_place import find_tokens
from proxy.config.admin_token import read_admin_token
from proxy.config.model import Address, Admin
from proxy.config.secrets import read_secret
from proxy.hosts import host_and_port
from proxy.timeouts import timeout
from proxy.wire.local_site import NAME

LIMIT = 10.0
"Seconds for finding the proxy."


class Unreachable(Exception):
    """There is no running proxy that this command may use; the sentence says what to do."""


class RunningProxy(NamedTuple):
    """A proxy that has accepted the token."""

    address: Address
    token: str
    session: ClientSession
    "Paths are below the admin address; each request carries the token."


@asynccontextmanager
async def running_proxy(
    settings: Admin, environ: Mapping[str, str] = os.environ, *, store: Path | None = None
) -> AsyncIterator[RunningProxy]:
    """Finds the proxy of this configuration and its token; Unreachable says why that is not possible.

    `store` is the folder of the outboxes, if there is one.
    """
    address = settings.address
    if not address.loopback:
        raise Unreachable(
            f"Other machines can reach the admin address {address}, so it has neither console nor outbox."
            " Set `admin` to an address on loopback, such as 127.0.0.1:9901."
        )
    if address.path is None and not address.port:
        raise Unreachable(
            f"The admin address {address} gets a different port at each start. Set a fixed port in `admin`."
        )
    async with _session(address) as session:
        token = await _accepted(session, address, await asyncio.to_thread(_tokens, settings, environ, store))
        session.headers["Authorization"] = f"Bearer {token}"
        try:
            yield RunningProxy(address, token, session)
        except ClientError as error:
            raise Unreachable(f"The proxy at {address} closed the connection. Try again.") from error


def _session(address: Address) -> ClientSession:
    connector: BaseConnector = TCPConnector() if address.path is None else UnixConnector(str(address.path))
    base = "localhost" if address.path is not None else host_and_port(address.host, address.port)
    limits = ClientTimeout(total=None, connect=LIMIT)
    return ClientSession(f"http://{base}", connector=connector, cookie_jar=DummyCookieJar(), timeout=limits)


def _tokens(settings: Admin, environ: Mapping[str, str], store: Path | None) -> list[str]:
    if settings.token_file is None:
        return find_tokens(settings.address, environ, store)
    try:
        return [read_admin_token(settings.token_file, read_secret)]
    except ValueError as error:
        raise Unreachable(f"`admin.token_file`: {error}.") from error


async def _accepted(session: ClientSession, address: Address, tokens: list[str]) -> str:
    """Returns the token that the proxy accepts. No token is sent to another program."""
    try:
        async with timeout(LIMIT):
            async with session.get("/livez") as answer:
                if answer.headers.get("Server") != NAME:
                    raise Unreachable(f"Another program answers at {address}. Stop it, or change `admin`.")
            for token in tokens:
                authorization = {"Authorization": f"Bearer {token}"}
                async with session.get(CONSOLE, headers=authorization, allow_redirects=False) as answer:
                    if answer.status == 200:
                        return token
    except (ClientError, OSError) as error:
        raise Unreachable(
            f"No proxy answers at {address}. Start it with `cpi-oauth-proxy run` and the same configuration."
        ) from error
    raise Unreachable(
        f"A proxy runs at {address}, but it accepts no token that this user can read. Run this command as the user of"
        " the proxy, or set `admin: {token_file: …}`."
    )
