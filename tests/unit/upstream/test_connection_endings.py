"""Connections to an upstream that end, in order or not, or are silent for too long."""

import ssl

from proxy.errors import UpstreamClosed, UpstreamTimeout
from proxy.wire.body import HIGH_WATER
from proxy.wire.deadlines import NEVER
from tests.cases import cases
from tests.unit.upstream.lease import OK, Wire


@cases("in_order", True, False)
def test_a_connection_that_ends_before_the_answer_is_closed(*, in_order: bool) -> None:
    """Whether a byte came counts."""
    for octets, responded in ((b"", False), (b"HTTP/1.1 2", True)):
        wire = Wire()
        if octets:
            wire.connection.data_received(octets)
        if in_order:
            wire.connection.eof_received()
        wire.connection.connection_lost(None if in_order else ConnectionResetError())

        assert isinstance(wire.connection.failure, UpstreamClosed)
        assert (wire.connection.responded, wire.connection.open, wire.gone) == (responded, False, [wire.connection])
        assert wire.rings > 0


@cases(
    "answer, in_order, whole",
    {
        "a whole answer stays whole": (OK + b"ok", False, True),
        "half a length is a cut": (OK + b"o", True, False),
        "no last chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", True, False),
        "a body up to an end in order is whole": (b"HTTP/1.1 200 OK\r\n\r\nab", True, True),
        "a body up to a reset is cut": (b"HTTP/1.1 200 OK\r\n\r\nab", False, False),
    },
)
def test_the_end_of_a_connection_is_the_end_of_the_body_or_a_cut(answer: bytes, *, in_order: bool, whole: bool) -> None:
    """RFC 9112 §8."""
    wire = Wire()
    wire.connection.data_received(answer)
    if in_order:
        wire.connection.eof_received()
    wire.connection.connection_lost(None if in_order else ConnectionResetError())

    body = wire.connection.body
    assert body is not None
    assert (body.ended, body.failure is None) == (whole, whole)


def test_an_end_that_the_transport_tells_without_eof_is_a_cut() -> None:
    """It lacks close_notify (RFC 8446 §6.1)."""
    wire = Wire()
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nab")
    wire.connection.connection_lost(None)

    assert isinstance(wire.connection.failure, UpstreamClosed)


def test_an_answer_has_to_come_in_time() -> None:
    """From the end of the request."""
    wire = Wire(end=False)
    wire.wait(1000)
    wire.connection.end_request()
    wire.wait(59)
    assert not wire.transport.aborted
    wire.wait(2)

    failure = wire.connection.failure
    assert isinstance(failure, UpstreamTimeout)
    assert "u:1 was silent for 60 s" in failure.detail
    assert (wire.transport.aborted, wire.rings) == (True, 1)


def test_each_gap_in_an_answer_has_the_same_time() -> None:
    """A slow answer goes on."""
    wire = Wire()
    wire.connection.data_received(OK)
    wire.wait(59)
    wire.connection.data_received(b"o")
    wire.wait(59)
    assert wire.connection.failure is None
    wire.wait(2)

    assert wire.timed_out


def test_a_head_that_drips_is_late_all_the_same() -> None:
    """Interim answers do not extend the time."""
    wire = Wire()
    for octets in (b"HTTP/1.1 102 Processing\r\n\r\n", OK[:20]):
        wire.wait(29)
        wire.connection.data_received(octets)
    wire.wait(3)

    assert wire.timed_out


def test_a_whole_answer_has_no_deadline() -> None:
    """The sender may be slow."""
    wire = Wire()
    wire.connection.data_received(OK + b"ok")
    wire.wait(10_000)

    assert (wire.connection.failure, wire.connection.deadline) == (None, NEVER)


def test_an_upstream_is_not_blamed_for_an_answer_that_we_do_not_read() -> None:
    """Once it is read, the time begins anew."""
    wire = Wire()
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"a" * (HIGH_WATER + 1))
    assert not wire.transport.reading
    wire.wait(1000)
    assert wire.connection.failure is None

    assert len(wire.content) == HIGH_WATER + 1
    wire.wait(121)
    assert wire.timed_out


def test_an_upstream_that_does_not_read_the_request_is_given_up() -> None:
    """After the same time."""
    wire = Wire(end=False)
    wire.connection.pause_writing()
    assert wire.connection.congested
    wire.wait(61)

    assert wire.timed_out


def test_an_upstream_that_reads_again_is_waited_for() -> None:
    """It has a deadline after the request."""
    wire = Wire(end=False)
    wire.connection.pause_writing()
    wire.connection.resume_writing()
    assert (wire.connection.congested, wire.rings, wire.connection.deadline) == (False, 1, NEVER)

    wire.connection.pause_writing()
    wire.connection.end_request()
    wire.connection.resume_writing()
    wire.wait(61)
    assert wire.timed_out


def test_an_early_answer_keeps_its_deadline_through_congestion() -> None:
    """Our buffers do not matter."""
    wire = Wire(end=False)
    wire.connection.pause_writing()
    wire.connection.data_received(OK + b"o")
    wire.connection.resume_writing()
    wire.wait(61)

    assert wire.timed_out


def test_a_new_lease_begins_without_the_old_deadline() -> None:
    """The time for idleness was the pool's."""
    wire = Wire(lease=False)
    wire.connection.deadline = 30
    wire.lease()
    wire.wait(1000)

    assert wire.connection.failure is None


def test_a_lost_connection_is_no_longer_watched() -> None:
    """It leaves nothing behind."""
    wire = Wire()
    wire.connection.connection_lost(None)
    wire.wait(1000)

    assert wire.loop.pauses == []


def test_an_alert_of_tls_before_the_answer_asks_for_a_certificate() -> None:
    """TLS 1.3 refuses late (RFC 8446 §4.4.2.4)."""
    wire = Wire()
    wire.connection.connection_lost(ssl.SSLError(1, "TLSV13_ALERT_CERTIFICATE_REQUIRED"))

    failure = wire.connection.failure
    assert isinstance(failure, UpstreamClosed)
    assert "does it want a certificate" in failure.detail
    assert failure.error_type == "tls_alert_received"
