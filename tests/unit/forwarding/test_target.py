"""Request targets."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.target import parse_target
from tests.cases import cases


def apart(octets: bytes) -> tuple[bytes, bytes]:
    """Authority and path."""
    target = parse_target(octets)
    return target.authority, target.path


@cases(
    "target, parts",
    {
        "origin-form": (b"/a?b", (b"", b"/a?b")),
        "two slashes name no host": (b"//h/a", (b"", b"//h/a")),
        "absolute-form": (b"http://h/a?b", (b"h", b"/a?b")),
        "a scheme has no case": (b"HTTPS://h:1/a", (b"h:1", b"/a")),
        "an empty path is a slash (RFC 9112 §3.2.1)": (b"http://h", (b"h", b"/")),
        "an empty path before a query": (b"http://h?b", (b"h", b"/?b")),
        "user and password are nobody's host": (b"http://u:p@h/a@b", (b"h", b"/a@b")),
        "an IPv6 address": (b"http://[::1]:80/a", (b"[::1]:80", b"/a")),
        "a fragment is left for the routes to refuse": (b"http://h#a", (b"h", b"/#a")),
        "no host is no URL (RFC 9110 §4.2.1)": (b"http:///a", (b"", b"")),
        "another scheme": (b"ftp://h/a", (b"", b"")),
        "authority-form": (b"h:443", (b"", b"")),
        "asterisk-form": (b"*", (b"", b"")),
        "nothing": (b"", (b"", b"")),
    },
)
def test_a_target_has_an_authority_and_a_path(target: bytes, parts: tuple[bytes, bytes]) -> None:
    """RFC 9112 §3.2."""
    assert apart(target) == parts


@given(st.binary(max_size=40))
def test_a_path_is_never_decoded_or_rebuilt(rest: bytes) -> None:
    """In both forms."""
    assert apart(b"/" + rest) == (b"", b"/" + rest)
    assert apart(b"http://h:1/" + rest) == (b"h:1", b"/" + rest)
