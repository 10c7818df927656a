"""Heads as they arrive."""

import pytest

from proxy.errors import HeadTooLarge, RequestMalformed, TargetTooLong, VersionUnsupported
from proxy.server.arrival import HeadReader
from proxy.wire.framing import NO_BODY, ChunkedBody, LengthBody
from tests.fakes.heads import REQUESTS

GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\nX-Request-ID: mine\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"


def reader() -> HeadReader:
    """A reader of small heads."""
    return HeadReader(max_head=256, max_fields=4, reader=REQUESTS)


def test_an_arrival_says_what_its_head_means() -> None:
    """Target, framing, expectation and id; what follows the head is left over."""
    arrival, rest = reader().feed(POST + b"abc")
    assert arrival is not None
    assert (arrival.target.path, arrival.framing.length, arrival.expects, arrival.request_id) == (
        b"/a",
        3,
        True,
        "mine",
    )
    assert isinstance(arrival.framing, LengthBody)
    assert rest == b"abc"


@pytest.mark.parametrize(
    ("fields", "framing", "expects"),
    [
        (b"", NO_BODY, False),
        (b"Expect: 100-continue\r\n", NO_BODY, False),
        (b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", ChunkedBody, True),
    ],
)
def test_without_a_body_there_is_nothing_to_expect(fields: bytes, framing: object, expects: bool) -> None:  # noqa: FBT001
    """RFC 9110 §10.1.1."""
    arrival, _ = reader().feed(b"POST /a HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n")
    assert arrival is not None
    assert arrival.framing is framing or isinstance(arrival.framing, ChunkedBody)
    assert arrival.expects is expects


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"GET /a\r\n\r\n", RequestMalformed),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", RequestMalformed),
        (b"GET /a HTTP/2.0\r\n\r\n", VersionUnsupported),
        (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n\r\n", TargetTooLong),
        (b"GET /a HTTP/1.1\r\nX: " + b"a" * 300 + b"\r\n\r\n", HeadTooLarge),
        (b"GET /a HTTP/1.1\r\n" + b"X: x\r\n" * 5 + b"\r\n", HeadTooLarge),
    ],
)
def test_what_is_no_head_is_refused(octets: bytes, error: type[Exception]) -> None:
    """Each with its own answer."""
    with pytest.raises(error):
        reader().feed(octets)


def test_a_head_begins_with_its_first_octet_and_ends_with_its_last() -> None:
    """Between the two a sender has `head_timeout`."""
    heads, begun = reader(), []
    for octets in (b"", GET[:5], GET[5:]):
        heads.feed(octets)
        begun.append(heads.begun)
    assert begun == [False, True, False]
