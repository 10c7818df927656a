"""A restricted route cannot be reached through an open one around it, in any spelling."""

from pathlib import Path

import pytest

from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.spellings import spelled
from tests.flow.hostile_sender.fence import Fence, with_host
from tests.flow.running import Document

OUTSIDE = (400, "target_outside_route")


@pytest.fixture
def routes(tmp_path: Path) -> list[Document]:
    """An open route around four restricted ones."""
    (tmp_path / "keys").write_text("the-right-key\n")
    api_key = {"api_key": {"field": "X-API-Key", "keys_file": str(tmp_path / "keys")}}
    closed = {"oauth_client": "orders", "allow": ["192.0.2.0/24"]}
    return [
        {"path": "/", "oauth_client": "invoices", "upstream": "/http"},
        {"path": "/orders", "upstream": "/http/orders", **closed},
        {"path": "/invoices/keyed", "oauth_client": "orders", "upstream": "/http/orders", "inbound_auth": api_key},
        {"path": "/invoices/posts", "upstream": "/http/orders", "methods": ["POST"], **closed},
        {"path": "/invoices/hosted", "upstream": "/http/orders", "host": "mine.example", **closed},
    ]


@cases("trick", *spelled("/orders"))
async def test_no_spelling_of_a_path_bypasses_a_fence(fence: Fence, trick: str) -> None:
    """Unit tests of the routes try all spellings."""
    path = spelled("/orders")[trick][0]
    for target in (path + b"/1?x=y", b"http://127.0.0.1" + path):
        assert await fence.refusal(request(b"POST " + target, body=b"x")) == OUTSIDE


@cases("method", b"post", b"Post")
async def test_a_method_in_another_case_bypasses_no_fence(fence: Fence, method: bytes) -> None:
    """Cloud Integration may ignore the case."""
    assert await fence.refusal(request(method + b" /invoices/posts", body=b"x")) == OUTSIDE


@cases("host", b"mine.example.", b"MINE.example.:80", b"mine.example")
async def test_a_dot_behind_a_host_bypasses_no_fence(fence: Fence, host: bytes) -> None:
    """It is the same host with the dot."""
    octets = with_host(b"POST /invoices/hosted", host)
    assert await fence.refusal(octets) == (403, "sender_not_allowed")


@cases("start", b"POST /invoices", b"POST /invoices/../invoices/x", b"GET /invoices/posts", b"POST /invoices/order%73")
async def test_what_lies_outside_of_the_fences_is_served(fence: Fence, start: bytes) -> None:
    """The target is forwarded byte for byte."""
    received = await fence.delivery(request(start, body=b"x"))
    assert received.target == b"/http" + start.split(b" ")[1]
