"""Request targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.target import parse_target


def apart(octets: bytes) -> tuple[bytes, bytes]:
    """Authority and path."""
    target = parse_target(octets)
    return target.authority, target.path


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        pytest.param(b"/a?b", (b"", b"/a?b"), id="origin-form"),
        pytest.param(b"//h/a", (b"", b"//h/a"), id="two slashes name no host"),
        pytest.param(b"http://h/a?b", (b"h", b"/a?b"), id="absolute-form"),
        pytest.param(b"HTTPS://h:1/a", (b"h:1", b"/a"), id="a scheme has no case"),
        pytest.param(b"http://h", (b"h", b"/"), id="an empty path is a slash (RFC 9112 §3.2.1)"),
        pytest.param(b"http://h?b", (b"h", b"/?b"), id="an empty path before a query"),
        pytest.param(b"http://u:p@h/a@b", (b"h", b"/a@b"), id="user and password are nobody's host"),
        pytest.param(b"http://[::1]:80/a", (b"[::1]:80", b"/a"), id="an IPv6 address"),
        pytest.param(b"http://h#a", (b"h", b"/#a"), id="a fragment is left for the routes to refuse"),
        pytest.param(b"http:///a", (b"", b""), id="no host is no URL (RFC 9110 §4.2.1)"),
        pytest.param(b"ftp://h/a", (b"", b""), id="another scheme"),
        pytest.param(b"h:443", (b"", b""), id="authority-form"),
        pytest.param(b"*", (b"", b""), id="asterisk-form"),
        pytest.param(b"", (b"", b""), id="nothing"),
    ],
)
def test_a_target_has_an_authority_and_a_path(target: bytes, parts: tuple[bytes, bytes]) -> None:
    """RFC 9112 §3.2."""
    assert apart(target) == parts


@given(st.binary(max_size=40))
def test_a_path_is_never_decoded_or_rebuilt(rest: bytes) -> None:
    """In both forms it is what stood there, octet by octet."""
    assert apart(b"/" + rest) == (b"", b"/" + rest)
    assert apart(b"http://h:1/" + rest) == (b"h:1", b"/" + rest)
