"""A repr of a part of an exchange shows no credential, query or body."""

from typing import cast

from proxy.forwarding.attempt import UpstreamAnswer
from proxy.forwarding.prepared_request import PreparedRequest
from proxy.forwarding.relay import Framing
from proxy.forwarding.request import Request
from proxy.forwarding.target import parse_target
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Pool
from proxy.wire.body import IncomingBody
from tests.fakes.heads import request_head, response_head
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.world import MemorySender

HIDDEN = b"cAnAry"
FIELDS = ((b"Authorization", HIDDEN), (b"Cookie", HIDDEN), (b"Set-Cookie", HIDDEN))
TARGET = b"/orders?" + HIDDEN


def test_a_request_shows_its_method_path_and_id() -> None:
    """And no more of its head."""
    head = request_head(b"POST " + TARGET + b" HTTP/1.0", *FIELDS)
    body = IncomingBody(MemoryTransport(), 3)
    body.push(HIDDEN)
    shown = repr(Request(head, parse_target(TARGET), body, MemorySender(), "an-id"))
    assert HIDDEN.decode() not in shown
    assert all(each in shown for each in ("POST", "/orders", "an-id"))


def test_an_answer_on_its_way_shows_its_status() -> None:
    """And nothing of its body."""
    head, body = response_head(b"HTTP/1.1 200 OK", *FIELDS), IncomingBody(MemoryTransport(), 3)
    body.push(HIDDEN)
    pool = cast("Pool", None)
    assert repr(UpstreamAnswer(head, body, pool, cast("UpstreamConnection", None))) == "<Answer 200>"
    assert repr(Framing(b"", by_close=True)) == "<Framing b'', chunked False, by close True>"


def test_what_goes_on_shows_how_many_fields_it_has() -> None:
    """Their values are not shown."""
    prepared = PreparedRequest("POST", TARGET, b"u", [b"X: " + HIDDEN], HIDDEN, has_csrf_token=False, idempotent=False)
    assert repr(prepared) == "<PreparedRequest POST, 1 fields>"


def test_an_answer_shows_its_status() -> None:
    """And no more of its head."""
    shown = repr(response_head(b"HTTP/1.1 200 OK", *FIELDS))
    assert HIDDEN.decode() not in shown
    assert "200" in shown
