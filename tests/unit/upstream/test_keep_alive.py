"""How long an upstream keeps an idle connection, by its own word."""

import pytest

from proxy.upstream.keep_alive import idle_time
from proxy.wire.deadlines import NEVER
from tests.fakes.heads import response_head


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ((), NEVER),
        ((b"timeout=5",), 4),
        ((b"timeout=5, max=100",), 4),
        ((b"max=100, Timeout = 60",), 59),
        ((b"max=100,timeout=60",), 59),
        ((b'timeout="7"',), 6),
        ((b"timeout=1",), 0),
        ((b"timeout=0",), -1),
        ((b"timeout=20", b"timeout=10"), 9),
        ((b"max=100",), NEVER),
        ((b"notimeout=5",), NEVER),
        ((b"timeout=soon",), NEVER),
        ((b"timeout=9999999999",), NEVER),
        ((b"",), NEVER),
    ],
)
def test_an_upstream_s_timeout_ends_a_second_earlier(values: tuple[bytes, ...], seconds: float) -> None:
    """The smallest counts; what gives no number says nothing."""
    fields = ((b"Connection", b"keep-alive"), *((b"KEEP-alive", value) for value in values))

    assert idle_time(response_head(b"HTTP/1.1 200 OK", *fields)) == seconds
