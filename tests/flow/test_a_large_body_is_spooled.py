"""A body between `buffer` and `spool` waits in a file: it can be sent again, and no stutter reaches the upstream."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Orders

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


async def test_nothing_is_left_of_it(orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor its folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    proxy = await orders(**SPOOLED)
    await proxy.ask(request(b"POST /orders", body=LARGE))
    (ours,) = tmp_path.glob("cpi-oauth-proxy-*")
    assert list(ours.iterdir()) == []
    await proxy.stop()
    assert not ours.exists()
