"""What a debugger, or a careless log line, would show of an exchange on its way: no credential, query or body."""

from proxy.forwarding.attempt import Outgoing
from proxy.forwarding.body import BufferedBody
from proxy.forwarding.relay import relayed
from proxy.forwarding.request import Prepared, Request
from proxy.forwarding.target import take_apart
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
    shown = repr(Request(head, take_apart(TARGET), body, MemorySender(), "an-id"))
    assert HIDDEN.decode() not in shown
    assert all(each in shown for each in ("POST", "/orders", "an-id"))


def test_what_goes_on_shows_its_size() -> None:
    """With our token in it."""
    prepared = Prepared(b"POST " + TARGET, HIDDEN)
    outgoing = Outgoing("POST", b"Authorization: Bearer " + HIDDEN, BufferedBody(HIDDEN))
    assert HIDDEN.decode() not in repr([prepared, outgoing])
    assert repr(prepared) == "<Prepared 19 octets>"
    assert repr(outgoing).startswith("<Outgoing POST, 28 octets and ")


def test_an_answer_shows_its_status() -> None:
    """And no more of its head."""
    head = response_head(b"HTTP/1.1 200 OK", *FIELDS, (b"SAP_MessageProcessingLogID", b"an-mpl-id"))
    shown = repr([head, relayed(head)])
    assert HIDDEN.decode() not in shown
    assert all(each in shown for each in ("200", "an-mpl-id"))
