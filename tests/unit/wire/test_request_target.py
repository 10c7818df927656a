"""Request targets."""

import pytest

from proxy.wire.request_target import is_target


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"/"),
        ("POST", b'/a|b^c`{d}"<e>\\?f#g'),
        ("GET", b"http://h"),
        ("GET", b"http://h?a"),
        ("GET", b"HTTPS://u:p%40@h.example:65535/a"),
        ("GET", b"http://h:/"),
        ("GET", b"http://[2001:db8::1]:080/"),
        ("GET", b"ftp://h/a"),
        ("OPTIONS", b"*"),
        ("CONNECT", b"h:443"),
        ("CONNECT", b"[::1]:443"),
        ("CONNECT", b"/"),
        ("CONNECT", b"http://h/"),
    ],
)
def test_a_target_is(method: str, target: bytes) -> None:
    """RFC 9112 §3.2; whether anything lies there is another question. CONNECT has a refusal of its own."""
    assert is_target(method, target)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b""),
        ("GET", b"a"),
        ("GET", b"*"),
        ("GET", b"/\xc3\xa4"),
        ("GET", b"/a\tb"),
        ("GET", b"h:443"),
        ("GET", b"http:/h"),
        ("GET", b"http://"),
        ("GET", b"http:///a"),
        ("GET", b"http://u@/a"),
        ("GET", b"http://a@b@h/"),
        ("GET", b"http://h:65536/"),
        ("GET", b"http://h:99999/"),
        ("GET", b"http://h:+1/"),
        ("GET", b"http://h:a/"),
        ("GET", b"http://h#a"),
        ("GET", b"http://[h/"),
        ("GET", b"http://]@h"),
        ("GET", b"http://[1]/"),
        ("GET", b"http://[::1%25eth0]/"),
        ("GET", b"http://h\\h/"),
        ("GET", b"h2tp://h/"),
    ],
)
def test_no_target_is(method: str, target: bytes) -> None:
    """It names nothing, or names a host that another reader would take for another."""
    assert not is_target(method, target)
