"""Where no connection comes about, the answer says why; nothing was sent, and all methods are tried once more."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Serve, document


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
async def mute() -> AsyncIterator[int]:
    """A port where connections are accepted and nothing is said."""
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    for writer in accepted:
        writer.transport.abort()
    await server.wait_closed()


async def test_a_refused_connection_is_a_502(serve: Serve, authority: AuthorizationServer, closed_port: int) -> None:
    """With code, Proxy-Status and a sentence."""
    proxy = await serve(document(f"http://127.0.0.1:{closed_port}", authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (refused.status, refused.code) == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_refused; details="upstream_unreachable"']
    assert refused.problem["detail"] == (
        f"127.0.0.1:{closed_port} refused the connection; is it running, and is the port in `upstream` right?"
    )
    assert (await proxy.record())["replays"] == "reconnect"


async def test_a_name_that_does_not_resolve_is_a_502(serve: Serve, authority: AuthorizationServer) -> None:
    """`.invalid` never does (RFC 6761 §6.4)."""
    proxy = await serve(document("https://tenant.invalid", authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (refused.status, refused.code) == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=dns_error; details="upstream_unreachable"']


async def test_a_certificate_that_is_not_trusted_is_a_502(serve: Serve, authority: AuthorizationServer) -> None:
    """Verification is never off, and the request is not sent."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with Upstream(tls=tls) as upstream:
        proxy = await serve(document(upstream, authority))
        refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
        assert upstream.requests == []
    assert (refused.status, refused.code) == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=tls_certificate_error; details="upstream_unreachable"']
    assert "set `tls.ca_file`, or `ca_file` at the top level (CPI_CA_FILE), to" in refused.problem["detail"]


async def test_one_ca_file_is_trusted_for_token_endpoint_and_upstream(serve: Serve, tmp_path: Path) -> None:
    """It is at the top level; a reload without it trusts the system's authorities again."""
    issuer, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("127.0.0.1").configure_cert(tls)
    issuer.cert_pem.write_to_path(tmp_path / "issuer.pem")
    async with Upstream(tls=tls) as upstream, AuthorizationServer(tls=tls) as authority:
        without = document(upstream, f"https://127.0.0.1:{authority.port}/token")
        proxy = await serve(without | {"ca_file": "issuer.pem"})
        sender = await proxy.sender()
        assert (await sender.ask(request(b"POST /orders", body=b"x"))).status == 200
        await proxy.reload(without)
        assert (await sender.ask(request(b"POST /orders", body=b"x"))).status == 502


async def test_a_certificate_for_another_name_is_a_502(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Trusted or not."""
    issuer, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("other.example").configure_cert(tls)
    issuer.cert_pem.write_to_path(tmp_path / "issuer.pem")
    async with Upstream(tls=tls) as upstream:
        proxy = await serve(document(upstream, authority, tls={"ca_file": "issuer.pem"}))
        refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
        assert upstream.requests == []
    assert refused.field(b"Proxy-Status") == [b'here; error=tls_certificate_error; details="upstream_unreachable"']


async def test_plain_http_where_tls_is_meant_is_a_502(serve: Serve, authority: AuthorizationServer) -> None:
    """And says that it is no TLS."""

    def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        proxy = await serve(document(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", authority))
        refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (refused.status, refused.code) == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=tls_protocol_error; details="upstream_unreachable"']


async def test_connecting_too_slowly_is_a_504(serve: Serve, authority: AuthorizationServer, mute: int) -> None:
    """`connect_timeout` holds for TLS too."""
    proxy = await serve(document(f"https://127.0.0.1:{mute}", authority, connect_timeout="50ms"))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert (refused.status, refused.code) == (504, "connect_timeout")
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_timeout; details="connect_timeout"']


async def test_the_senders_connection_goes_on(serve: Serve, authority: AuthorizationServer, closed_port: int) -> None:
    """Its request was read to the end; only the upstream failed."""
    proxy = await serve(document(f"http://127.0.0.1:{closed_port}", authority))
    sender = await proxy.sender()
    codes = [(await sender.ask(request(b"POST /orders", body=b"x"))).code for _ in range(2)]
    assert codes == ["upstream_unreachable"] * 2
