"""Tests of proxy.wire.cross_site."""

from proxy.wire.cross_site import comes_from_elsewhere
from tests.cases import cases

HOST = b"127.0.0.1:8080"


def elsewhere(*fields: tuple[bytes, bytes], host: bytes = HOST, secure: bool = False) -> bool:
    """The answer for a request with these fields."""
    return comes_from_elsewhere([(b"Host", host), *fields], host, secure=secure)


@cases("site", b"same-origin", b"none", b" none ")
@cases("origin", b"null", b"https://evil.example")
def test_sec_fetch_site_has_the_last_word_for_own_pages(site: bytes, origin: bytes) -> None:
    """A page may hide its address."""
    assert not elsewhere((b"Sec-Fetch-Site", site), (b"Origin", origin))


@cases("site", b"cross-site", b"same-site", b"", b"Same-Origin", b"other", b"none, cross-site")
def test_any_other_sec_fetch_site_is_elsewhere(site: bytes) -> None:
    """A matching Origin does not help."""
    assert elsewhere((b"sec-FETCH-site", site), (b"Origin", b"http://127.0.0.1:8080"))


def test_each_of_several_marks_has_to_be_own() -> None:
    """The order does not matter."""
    own, other = (b"Sec-Fetch-Site", b"same-origin"), (b"Sec-Fetch-Site", b"cross-site")
    assert elsewhere(own, other)
    assert elsewhere(other, own)
    mine, foreign = (b"Origin", b"http://127.0.0.1:8080"), (b"Origin", b"http://evil.example")
    assert elsewhere(mine, foreign)
    assert elsewhere(foreign, mine)


@cases(
    "origin, host",
    (b"http://127.0.0.1:8080", HOST),
    (b"HTTP://LocalHost:8080", b"localhost:8080"),
    (b"http://localhost:8080", b"LOCALHOST.:8080"),
    (b"http://[::1]:8080", b"[::1]:8080"),
    (b"http://proxy.example", b"proxy.example:80"),
    (b"https://proxy.example", b"proxy.example"),
    (b"https://proxy.example", b"proxy.example:443"),
    (b"http://proxy.example", b"proxy.example:"),
)
def test_an_origin_is_own_where_it_is_that_of_host(origin: bytes, host: bytes) -> None:
    """Without case; the scheme tells a missing port."""
    assert not elsewhere((b"Origin", origin), host=host)


@cases(
    "origin, host",
    (b"null", HOST),
    (b"", HOST),
    (b"http://evil.example", HOST),
    (b"http://127.0.0.1", HOST),
    (b"http://127.0.0.1:8080.evil.example", HOST),
    (b"http://evil.example http://127.0.0.1:8080", HOST),
    (b"http://127.0.0.1:8080/", HOST),
    (b"127.0.0.1:8080", HOST),
    (b"chrome-extension://abcdef", HOST),
    (b"https://proxy.example", b"proxy.example:80"),
    (b"http://proxy.example", b""),
    (b"http://proxy.example", b"proxy.example, other.example"),
    (b"http://a b", b"a b"),
    (b"http://[x]", b"[x]"),
)
def test_any_other_origin_is_elsewhere(origin: bytes, host: bytes) -> None:
    """Host or port differ, or cannot be read."""
    assert elsewhere((b"Origin", origin), host=host)


def test_over_tls_a_page_without_tls_is_elsewhere() -> None:
    """Anybody may have written that page."""
    assert elsewhere((b"Origin", b"http://proxy.example:8443"), host=b"proxy.example:8443", secure=True)
    assert not elsewhere((b"Origin", b"https://proxy.example:8443"), host=b"proxy.example:8443", secure=True)


def test_a_request_without_marks_does_not_come_from_elsewhere() -> None:
    """Browsers only are concerned."""
    assert not elsewhere()
    assert not elsewhere((b"Referer", b"https://evil.example/"), host=b"")
