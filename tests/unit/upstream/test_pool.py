"""The pool of connections to one upstream, on real sockets."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.config.model import Tls
from proxy.errors import Draining, UpstreamClosed
from proxy.upstream.connection import CLOSED, UpstreamConnection
from proxy.upstream.pool import Pool
from proxy.wire.coroutine_runner import NO_WAITER
from proxy.wire.tls_context import client_context
from tests.cases import cases
from tests.unit.upstream.serving import OK, PATIENCE, REQUEST, ask, pool, server_context, shut, turns_until, upstream


async def used(ours: Pool) -> UpstreamConnection:
    """A connection that has been used."""
    connection = await ours.connect(10)
    await ask(connection)
    ours.give_back(connection)
    return connection


async def test_a_connection_is_used_again() -> None:
    """The one that was used last is the first."""
    async with upstream() as (server, port), pool(port) as (ours, _):
        assert ours.acquire() is None
        first, second = await ours.connect(10), await ours.connect(10)
        assert (await ask(first), await ask(second)) == (b"ok", b"ok")
        assert (ours.leased, ours.idle) == (2, 0)
        ours.give_back(first)
        ours.give_back(second)
        assert (ours.leased, ours.idle) == (0, 2)

        assert ours.acquire() is second
        assert await ask(second) == b"ok"
        assert (ours.leased, ours.idle, server.accepted) == (1, 1, 2)


async def test_a_connection_that_cannot_be_used_again_is_not_kept() -> None:
    """Nor one that is given back twice."""
    async with upstream() as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        connection.lease(NO_WAITER, "GET", 60)
        connection.send(REQUEST)
        ours.give_back(connection)
        assert (ours.idle, ours.acquire()) == (0, None)

        again = await used(ours)
        ours.give_back(again)
        assert ours.acquire() is None


@cases("change", {"closed": shut, "written to": lambda writer: writer.write(OK)})
async def test_an_idle_connection_that_the_upstream_changed_is_not_handed_out(
    change: Callable[[asyncio.StreamWriter], None],
) -> None:
    """A POST on it could not be sent again."""
    go, done = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await go.wait()
        change(writer)
        done.set()
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        await used(ours)
        go.set()
        async with asyncio.timeout(PATIENCE):
            await done.wait()
        assert ours.acquire() is None
        await turns_until(lambda: ours.leased == 0)


async def test_an_idle_connection_is_closed_in_time() -> None:
    """After upstream_idle_timeout, well before CPI's own."""
    async with upstream() as (_, port), pool(port) as (ours, loop):
        connection = await used(ours)
        loop.advance(29)
        assert ours.idle == 1
        loop.advance(2)
        assert not connection.open
        await turns_until(lambda: ours.idle == 0)

        assert ours.leased == 0


@cases("fields, seconds", ("", 30), ("Keep-Alive: timeout=6\r\n", 5), ("Keep-Alive: timeout=60\r\n", 30))
async def test_an_idle_connection_whose_time_is_over_is_not_handed_out(fields: str, seconds: float) -> None:
    """The upstream's time less a second, if it is shorter."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK.replace(b"\r\n", b"\r\n" + fields.encode(), 1))

    async with upstream(talk) as (_, port), pool(port) as (ours, loop):
        connection = await ours.connect(10)
        for passing, handed_out in ((seconds - 0.01, True), (seconds, False)):
            await ask(connection)
            ours.give_back(connection)
            loop.leap(passing)
            assert (ours.acquire() is connection) == handed_out


async def test_the_time_of_an_idle_connection_begins_at_the_end_of_its_answer() -> None:
    """The upstream does not wait for a slow sender."""
    async with upstream() as (_, port), pool(port) as (ours, loop):
        connection = await ours.connect(10)
        await ask(connection)
        loop.leap(20)
        ours.give_back(connection)
        loop.leap(10)

        assert ours.acquire() is None


async def test_a_connection_that_the_upstream_keeps_for_a_second_is_not_kept() -> None:
    """It could end on the way to it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 .\r\nKeep-Alive: timeout=1\r\n\r\n")
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        connection = await used(ours)

        assert (ours.idle, connection.open) == (0, False)


async def test_a_connection_that_is_given_back_unused_becomes_idle() -> None:
    """Given back twice, it is closed."""
    async with upstream() as (server, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        ours.give_back(connection)
        assert (ours.leased, ours.idle) == (0, 1)
        assert ours.acquire() is connection
        assert (await ask(connection), server.accepted) == (b"ok", 1)

        other = await ours.connect(10)
        ours.give_back(other)
        ours.give_back(other)
        assert ours.acquire() is None
        assert not other.open


async def test_an_upstream_that_closes_at_once_is_seen_as_closed() -> None:
    """Servers at their limit do this."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        await turns_until(lambda: not connection.open)
        await turns_until(lambda: ours.leased == 0)
        connection.send(b"late")

        assert connection.state is CLOSED


async def test_a_connection_that_is_lost_while_it_is_made_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not counted."""
    loop = asyncio.get_running_loop()
    create = loop.create_connection

    async def slow(*args: object, **options: object) -> object:
        transport, protocol = await create(*args, **options)  # type: ignore[call-overload]
        connection = protocol._upper
        transport.abort()
        await turns_until(lambda: not connection.open)
        return transport, protocol

    async with upstream() as (_, port), pool(port) as (ours, _):
        with monkeypatch.context() as patch:
            patch.setattr(type(loop), "create_connection", lambda _self, *args, **options: slow(*args, **options))
            connection = await ours.connect(10)

        assert (connection.open, ours.leased) == (False, 0)


async def test_all_connections_end_with_the_pool() -> None:
    """Even those on their way."""
    async with upstream() as (_, port), pool(port) as (ours, _):
        leased, idle = await ours.connect(10), await ours.connect(10)
        await ask(idle)
        ours.give_back(idle)
        leased.lease(NO_WAITER, "GET", 60)
        coming = ours.connect(10)
        await ours.close()

        assert coming.cancelled()
        await turns_until(lambda: (ours.leased, ours.idle) == (0, 0))
        assert isinstance(leased.failure, Draining)


async def test_a_body_cut_without_close_notify_is_a_cut(authority: trustme.CA, ca_file: Path) -> None:
    """An attacker may have ended it (RFC 8446 §6.1)."""
    for signed in (True, False):

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, signed: bool = signed) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            await writer.drain()
            if signed:
                writer.close()
                await writer.wait_closed()
            else:
                shut(writer)

        async with upstream(talk, server_context(authority)) as (_, port):
            context = await asyncio.to_thread(client_context, Tls(ca_file=ca_file))
            async with pool(port, tls=context) as (ours, _):
                connection = await ours.connect(10)
                if signed:
                    assert await ask(connection) == b"half"
                else:
                    with pytest.raises(UpstreamClosed):
                        await ask(connection)
