"""An upstream that answers before it has the whole body is heard, and the rest is not sent."""

import ssl
from collections import deque
from pathlib import Path

import pytest
import trustme

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Call, Upstream, answer, head
from tests.flow.running import Orders, Serve, document

LARGE = b"x" * (4 << 20)


@pytest.mark.parametrize("status", [413, 401, 503])
async def test_the_sender_gets_the_answer_and_the_connection_ends(
    orders: Orders, upstream: Upstream, status: int
) -> None:
    """Though it goes on sending, which no reset disturbs."""

    async def answer_early(call: Call) -> None:
        await call.send(head(status, b"Content-Length: 8", b"Connection: close") + b"too much")
        await call.ended()

    upstream.follow(answer_early, answer())
    proxy = await orders(buffer="1KiB")
    sender = await proxy.sender()
    octets = request(b"POST /orders", body=LARGE)
    await sender.send(octets[: 1 << 20])
    relayed = await sender.answer()
    assert (relayed.status, relayed.body, relayed.field(b"Connection")) == (status, b"too much", [b"close"])
    assert await sender.rest() == b""
    assert len(upstream.requests[0].body) < len(LARGE)


@pytest.mark.parametrize("read", [0, 200_000])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("size", [1 << 20, 8 << 20])
async def test_an_answer_is_found_behind_a_broken_write(
    serve: Serve,
    authority: AuthorizationServer,
    tmp_path: Path,
    *,
    tls: bool,
    size: int,
    read: int,
) -> None:
    """The upstream answers and closes without reading on, which resets the connection; the answer came before that."""
    issuer, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("127.0.0.1").configure_cert(context)
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def refuse(call: Call) -> None:
        await call.read(read)
        await call.send(head(413, b"Content-Length: 5", b"Connection: close") + b"large")
        call.abandon()

    async with Upstream(tls=context if tls else None) as upstream:
        upstream.script = deque([refuse] * 5)
        options = {"tls": {"ca_file": "ca.pem"}} if tls else {}
        proxy = await serve(document(upstream, authority, **options))
        for _ in range(5):
            refused = await proxy.ask(request(b"POST /orders", body=b"x" * size))
            assert (refused.status, refused.body) == (413, b"large")
