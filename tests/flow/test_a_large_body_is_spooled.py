"""A body between `buffer` and `spool` waits in a file: it can be sent again, and no stutter reaches the upstream."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Orders, until

LARGE = b"0123456789abcdef" * (64 << 10)
SPOOLED: dict[str, Any] = {"buffer": "16KiB", "spool": "2MiB"}


async def test_a_401_for_a_spooled_body_costs_one_grant_and_one_replay(orders: Orders, upstream: Upstream) -> None:
    """The second attempt brings the same octets."""
    upstream.follow(answer(200), answer(401), answer(200, body=b"done"))
    proxy = await orders(**SPOOLED)
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"first"))
    proxy.clock.advance(60)
    delivered = await sender.ask(request(b"POST /orders", body=LARGE))
    assert (delivered.status, delivered.body) == (200, b"done")
    assert [(bytes(each.body) == LARGE, each.field(b"Authorization")) for each in upstream.requests[1:]] == [
        (True, [b"Bearer token-1"]),
        (True, [b"Bearer token-2"]),
    ]


async def test_a_stuttering_sender_of_a_large_body_does_not_stutter_at_the_upstream(
    orders: Orders, upstream: Upstream
) -> None:
    """The upstream hears nothing before the last octet is there, and then its length."""
    proxy = await orders(**SPOOLED)
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", b"Transfer-Encoding: chunked") + chunked(LARGE)[:-5])
    (connection,) = proxy.app.senders
    await until(lambda: connection._body is not None and connection._body.received == len(LARGE))
    proxy.clock.advance(50)
    await asyncio.sleep(0)
    assert upstream.connections == 0
    await sender.send(b"0\r\n\r\n")
    assert (await sender.answer()).status == 200
    assert upstream.requests[0].field(b"Content-Length") == [b"%d" % len(LARGE)]
    assert bytes(upstream.requests[0].body) == LARGE


async def test_nothing_is_left_of_it(orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file while it runs, no folder when it has stopped."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    proxy = await orders(**SPOOLED)
    await proxy.ask(request(b"POST /orders", body=LARGE))
    (ours,) = tmp_path.glob("cpi-oauth-proxy-*")
    assert list(ours.iterdir()) == []
    await proxy.stop()
    assert not ours.exists()
