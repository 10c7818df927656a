"""Connections to an upstream that are not made, and TLS ones that are."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.config.model import Tls
from proxy.errors import ConnectTimeout, UpstreamUnreachable
from proxy.wire.tls_context import client_context
from tests.cases import cases
from tests.fakes.loop import LeapingLoop, leaping
from tests.unit.upstream.serving import ask, pool, server_context, upstream


async def test_a_tls_upstream_with_a_trusted_certificate_is_reached(authority: trustme.CA, ca_file: Path) -> None:
    """Its idle connection is used again."""
    context = await asyncio.to_thread(client_context, Tls(ca_file=ca_file))
    async with upstream(tls=server_context(authority)) as (server, port), pool(port, tls=context) as (ours, _):
        connection = await ours.connect(10)
        assert await ask(connection) == b"ok"
        ours.give_back(connection)

        assert ours.acquire() is connection
        assert (await ask(connection), server.accepted) == (b"ok", 1)


async def test_a_server_without_tls_is_told_from_one_that_is_down() -> None:
    """The wrong scheme, in most cases."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port, tls=ssl.create_default_context()) as (ours, _):
        with pytest.raises(UpstreamUnreachable, match="does it speak https") as raised:
            await ours.connect(10)

        assert raised.value.error_type == "tls_protocol_error"


async def test_a_server_that_breaks_off_the_handshake_may_be_too_old() -> None:
    """It has reset the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with upstream(talk) as (_, port), pool(port, tls=ssl.create_default_context()) as (ours, _):
        with pytest.raises(UpstreamUnreachable, match="ended the TLS handshake") as raised:
            await ours.connect(10)

        assert raised.value.error_type == "tls_protocol_error"


@cases("host", "127.0.0.1", "localhost")
async def test_a_refused_connection_is_told_as_such(host: str) -> None:
    """By one address or by all of them."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with pool(unused.getsockname()[1], host=host) as (ours, _):
            with pytest.raises(UpstreamUnreachable, match="refused the connection") as raised:
                await ours.connect(10)

    assert raised.value.error_type == "connection_refused"


async def test_a_handshake_that_takes_too_long_is_a_timeout() -> None:
    """connect_timeout covers name, TCP and TLS."""

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with upstream(silent) as (_, port), pool(port, tls=ssl.create_default_context()) as (ours, _):
        with pytest.raises(ConnectTimeout, match=r"within 0\.01 s"):
            await ours.connect(0.01)

        assert ours.leased == 0


def test_a_handshake_that_went_on_while_the_process_stood_still_is_in_time(
    authority: trustme.CA, ca_file: Path
) -> None:
    """What came meanwhile is read first."""

    async def shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = shown.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await reader.read(1 << 16))
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        writer.write(outgoing.read())
        leaping().leap(100)
        await reader.read()

    shown, context = server_context(authority), client_context(Tls(ca_file=ca_file))

    async def scenario() -> None:
        async with upstream(shake) as (_, port), pool(port, tls=context) as (ours, _):
            assert (await ours.connect(10)).open

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
