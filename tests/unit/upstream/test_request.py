"""A request as a value, and its head in HTTP/1.1."""

from proxy.upstream.request import UpstreamRequest, http1_head
from proxy.wire.grammar import CHUNKED, UNSAID
from tests.cases import cases


@cases(
    "length, framing",
    {
        "no content": (UNSAID, []),
        "empty content": (0, [b"Content-Length: 0"]),
        "content of known length": (7, [b"Content-Length: 7"]),
        "content of unknown length": (CHUNKED, [b"Transfer-Encoding: chunked"]),
    },
)
def test_a_head_has_host_first_and_the_framing_last(length: int, framing: list[bytes]) -> None:
    """Its version is 1.1 (RFC 9110 §2.5)."""
    head = http1_head(UpstreamRequest("POST", b"/in?a=b", b"u:1", [b"X: 1", b"y:2"], length))

    assert head.endswith(b"\r\n\r\n")
    assert head.split(b"\r\n")[:-2] == [b"POST /in?a=b HTTP/1.1", b"Host: u:1", b"X: 1", b"y:2", *framing]


def test_a_request_shows_its_method_and_no_more() -> None:
    """Target and fields hold secrets."""
    assert repr(UpstreamRequest("POST", b"/canary", b"u", [b"Authorization: canary"], 0)) == (
        "<UpstreamRequest POST, 1 fields>"
    )
