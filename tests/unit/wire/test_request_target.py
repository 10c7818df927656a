"""Request targets and authorities."""

from proxy.wire.request_target import host_name, is_target
from tests.cases import cases


@cases(
    "method, target",
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
    ("CONNECT", b"/"),
    ("CONNECT", b"http://h/"),
)
def test_a_target_is(method: str, target: bytes) -> None:
    """RFC 9112 §3.2; CONNECT is refused elsewhere."""
    assert is_target(method, target)


@cases(
    "method, target",
    ("GET", b""),
    ("GET", b"a"),
    ("GET", b"*"),
    ("GET", b"/\xc3\xa4"),
    ("GET", b"/a\tb"),
    ("GET", b"h:443"),
    ("GET", b"http:/h"),
    ("GET", b"http://"),
    ("GET", b"http:///a"),
    ("GET", b"http://a@b@h/"),
    ("GET", b"http://h:65536/"),
    ("GET", b"http://h:+1/"),
    ("GET", b"http://h#a"),
    ("GET", b"http://[h/"),
    ("GET", b"http://[1]/"),
    ("GET", b"http://[::1%25eth0]/"),
    ("GET", b"http://h\\h/"),
    ("GET", b"h2tp://h/"),
)
def test_no_target_is(method: str, target: bytes) -> None:
    """Another reader might see another host."""
    assert not is_target(method, target)


@cases(
    "authority, name",
    (b"127.0.0.1:8080", "127.0.0.1"),
    (b"[::1]:8080", "::1"),
    (b"[::1]", "::1"),
    (b"Proxy.Example.", "proxy.example"),
    (b"[2001:DB8::1]:443", "2001:db8::1"),
    (b"127.0.0.1.", "127.0.0.1"),
    (b"\xe4:1", "ä"),
    (b"proxy.example..", ""),
    (b"localhost:", "localhost"),
    (b"", ""),
    (b":80", ""),
    (b"::1", ""),
    (b"user@localhost", ""),
    (b"localhost evil.example", ""),
    (b"localhost,evil.example", "localhost,evil.example"),
    (b"localhost:80:80", ""),
)
def test_the_name_of_a_host_has_no_port_and_no_dot_at_its_end(authority: bytes, name: str) -> None:
    """Other texts have no name."""
    assert host_name(authority) == name
