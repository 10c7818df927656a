"""Request targets, read but never rewritten."""

import posixpath
import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.target import Target, climbs, host_of, take_apart

PIECES = [b"..", b".", b"/", b"\\", b"%2e", b"%2E", b"%2f", b"%5c", b"%252e", b"%252f", b"%25", b"2e", b"%", b";", b"x"]
RESTS = st.lists(st.sampled_from([*PIECES, b";x", b"a", b"%3b", b"?"]), max_size=10).map(b"".join)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        pytest.param(b"/a?b", Target(b"", b"/a?b"), id="origin-form"),
        pytest.param(b"//h/a", Target(b"", b"//h/a"), id="two slashes name no host"),
        pytest.param(b"http://h/a?b", Target(b"h", b"/a?b"), id="absolute-form"),
        pytest.param(b"HTTPS://h:1/a", Target(b"h:1", b"/a"), id="a scheme has no case"),
        pytest.param(b"http://h", Target(b"h", b"/"), id="an empty path is a slash (RFC 9112 §3.2.1)"),
        pytest.param(b"http://h?b", Target(b"h", b"/?b"), id="an empty path before a query"),
        pytest.param(b"http://u:p@h/a@b", Target(b"h", b"/a@b"), id="user and password are nobody's host"),
        pytest.param(b"http://[::1]:80/a", Target(b"[::1]:80", b"/a"), id="an IPv6 address"),
        pytest.param(b"http://h#a", Target(b"h", b"/#a"), id="a fragment is left for the routes to refuse"),
        pytest.param(b"http:///a", Target(b"", b""), id="no host is no URL (RFC 9110 §4.2.1)"),
        pytest.param(b"ftp://h/a", Target(b"", b""), id="another scheme"),
        pytest.param(b"h:443", Target(b"", b""), id="authority-form"),
        pytest.param(b"*", Target(b"", b""), id="asterisk-form"),
        pytest.param(b"", Target(b"", b""), id="nothing"),
    ],
)
def test_a_target_has_an_authority_and_a_path(target: bytes, parts: Target) -> None:
    """RFC 9112 §3.2."""
    assert take_apart(target) == parts


@given(st.binary(max_size=40))
def test_a_path_is_never_decoded_or_rebuilt(rest: bytes) -> None:
    """In both forms it is what stood there, octet by octet."""
    assert take_apart(b"/" + rest) == Target(b"", b"/" + rest)
    assert take_apart(b"http://h:1/" + rest) == Target(b"h:1", b"/" + rest)


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"Example.COM:8080", "example.com"),
        (b"example.com", "example.com"),
        (b"[2001:DB8::1]:443", "2001:db8::1"),
        (b"[::1]", "::1"),
        (b"", ""),
        (b"\xe4:1", "ä"),
    ],
)
def test_a_host_is_compared_without_case_and_port(authority: bytes, host: str) -> None:
    """RFC 3986 §3.2.2: hosts have no case."""
    assert host_of(authority) == host


@pytest.mark.parametrize(
    "rest",
    [
        b"/..",
        b"/../x",
        b"/a/../..",
        b"/a/../../a",
        b"/%2e%2e/x",
        b"/.%2E/x",
        b"/%252e%252e/x",
        b"/..%2fx",
        b"/%2e%2e%2fx",
        b"/..%5cx",
        b"/..\\x",
        b"/a\\..\\..",
        b"/..;/x",
        b"/..;a=b/x",
        b"/..%3bx/y",
        b"/%2e%2e%3b/x",
        b"//..",
        b"/./../x",
        b"/a//../..",
        b"/;x/..",
        b"/a%2f..%2f..%2fb",
        b"/..?x",
        b"/a%2fb/../..",
        b"/..%00/x",
        b"/..%3fx/y",
        b"/..%23x/y",
        b"/..%20/x",
        b"/%c0%ae%c0%ae/x",
        b"/..%c0%afx",
    ],
)
def test_a_path_that_somebody_could_read_as_leading_out_climbs(rest: bytes) -> None:
    """Decoded twice, a backslash as a slash, `..;x` as `..`."""
    assert climbs(rest)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"/",
        b"/a/..",
        b"/a/../b",
        b"/...",
        b"/a..b",
        b"/..a",
        b"/a/%2e%2e",
        b"/%25252e%25252e",
        b"/%zz",
        b"/100%",
        b"?/../..",
        b"/a?x=../../..",
        b"/a/b/../..",
    ],
)
def test_a_path_that_stays_below_its_prefix_does_not_climb(rest: bytes) -> None:
    """Neither does anything behind a question mark."""
    assert not climbs(rest)


def slow_reference(rest: bytes) -> bool:
    """Whether it climbs, by the words of the design, each reading for itself and without any shortcut."""
    raw = rest.split(b"?")[0]
    once = overlong(unquote_to_bytes(raw))
    twice = overlong(unquote_to_bytes(once))
    return any(leaves(seen) for path in (raw, once, twice) for seen in (path, path.replace(b"\\", b"/")))


def overlong(path: bytes) -> bytes:
    """Two octets that old decoders took for a dot, and for a slash."""
    return path.replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/")


def leaves(path: bytes) -> bool:
    """Whether a stack of its segments is ever popped when it is empty."""
    stack: list[bytes] = []
    for segment in path.split(b"/"):
        name = re.sub(rb"[;?#\0].*", b"", segment, flags=re.DOTALL).rstrip(b" ")
        if name == b"..":
            if not stack:
                return True
            stack.pop()
        elif name not in (b"", b"."):
            stack.append(name)
    return False


@given(RESTS | st.binary(max_size=30))
def test_climbing_agrees_with_a_slow_reference(rest: bytes) -> None:
    """The short way out for plain paths changes no decision."""
    assert climbs(rest) == slow_reference(rest)


@given(RESTS, st.integers(min_value=0, max_value=2))
def test_what_normalisation_shows_to_lead_out_is_refused(rest: bytes, decodings: int) -> None:
    """Whoever decodes up to twice and normalises finds nothing outside of the prefix in what passes."""
    path = b"/" + rest.split(b"?")[0]
    for _ in range(decodings):
        path = unquote_to_bytes(path)
    for seen in (path, path.replace(b"\\", b"/")):
        normal = posixpath.normpath(b"/route/prefix/" + seen.lstrip(b"/"))
        if not (normal + b"/").startswith(b"/route/prefix/"):
            assert climbs(b"/" + rest)
