"""The claims of fuzzing hold for what it begins with, for what it has found, and for what chance makes."""

from hypothesis import given
from hypothesis import strategies as st

from tests.cases import cases
from tests.fuzz.claims import requests_are_read_as_they_are, responses_are_read_as_they_are
from tests.fuzz.seeds import REQUESTS, RESPONSES

FOUND_IN_REQUESTS = (
    b"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n",  # a second space was passed over
    b"GET /aHTTP/1.0\r\n\r\n\n",  # a version that is part of the target
    b"GET  /aHTTP/1.1\r\nHost: h\r\n\r\n",  # both
    b"GET /a HTTP/1.0\r\n\r\nGET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",  # is a 411 only if it comes in one piece
)
FOUND_IN_RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Length 1:2\r\n\r\nok",  # a name that is no token, and no length
)


def mixed(messages: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Each with something replaced by something else."""
    junk = st.sampled_from(
        [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b":", b"0", b"\xff", b"chunked", b"a" * 300]
    )

    def spoilt(message: bytes, at: int, length: int, put: bytes) -> bytes:
        return message[:at] + put + message[at + length :]

    one = st.builds(spoilt, st.sampled_from(messages), st.integers(0, 120), st.integers(0, 3), junk)
    return st.lists(one, max_size=3).map(b"".join)


@cases("octets", *REQUESTS, *FOUND_IN_REQUESTS)
async def test_known_requests_are_read_as_they_are(octets: bytes) -> None:
    """Seeds and findings."""
    await requests_are_read_as_they_are(octets)


@cases("octets", *RESPONSES, *FOUND_IN_RESPONSES)
async def test_known_responses_are_read_as_they_are(octets: bytes) -> None:
    """Seeds and findings."""
    await responses_are_read_as_they_are(octets)


@given(mixed(REQUESTS))
async def test_any_requests_are_read_as_they_are(octets: bytes) -> None:
    """However they are cut, and whatever is wrong with them."""
    await requests_are_read_as_they_are(octets)


@given(mixed(RESPONSES))
async def test_any_responses_are_read_as_they_are(octets: bytes) -> None:
    """However they are cut, and whatever is wrong with them."""
    await responses_are_read_as_they_are(octets)
