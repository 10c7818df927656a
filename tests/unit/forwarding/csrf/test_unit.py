"""CSRF tokens with their cookies."""

import pytest

from proxy.forwarding.csrf.unit import parse, shared_unit, unit_within
from tests.unit.forwarding.csrf.units import AUTH, unit


@pytest.mark.parametrize(
    ("set_cookie", "parsed"),
    [
        (b"S=a=%2B+!; Path=/http; Secure", (b"S", b"a=%2B+!", True)),
        (b" S = a ", (b"S", b"a", True)),
        (b"S=", (b"S", b"", True)),
        (b"S", (b"S", b"", True)),
        (b"=a", (b"", b"a", False)),
        (b"S=a; Max-Age=0", (b"S", b"a", False)),
        (b"S=a; max-age = 00", (b"S", b"a", False)),
        (b"S=a;MAX-AGE=-1", (b"S", b"a", False)),
        (b"S=a; Max-Age=10", (b"S", b"a", True)),
        (b"S=Max-Age=0", (b"S", b"Max-Age=0", True)),
    ],
)
def test_a_set_cookie_has_a_name_a_value_and_maybe_an_end(set_cookie: bytes, parsed: tuple[bytes, bytes, bool]) -> None:
    """A Max-Age of 0 or less deletes it (RFC 6265 §5.2)."""
    assert parse(set_cookie) == parsed


def test_a_unit_follows_its_session() -> None:
    """Cookies with other names are not added."""
    updated = unit(A=b"1", B=b"2", C=b"3").updated([b"B=x; Path=/", b"D=4", b"A=; Max-Age=0", b"E=; Max-Age=0"])

    assert updated.cookie_field() == b"B=x; C=3"
    assert updated.updated([b"A=again"]).cookie_field() == b"B=x; C=3; A=again"


def test_cookies_that_the_fetch_has_not_set_are_the_senders() -> None:
    """Cookies of the fetch are not passed on."""
    given = unit(A=b"1", B=b"2").for_sender([b"A=x; Path=/", b"D=4; Secure", b"B=; Max-Age=0", b"a=5", b"D=6"])

    assert given == [b"D=4; Secure", b"a=5", b"D=6"]


def test_a_shared_unit_has_what_its_fetch_has_set() -> None:
    """A deleted cookie is not part of it."""
    made = shared_unit(b"T", [b"A=a%2B!=; Path=/http; Secure", b"B=b", b"C=; Max-Age=0"], AUTH)

    assert made == unit(b"T", A=b"a%2B!=", B=b"b")
    assert made.for_sender([b"C=1", b"B=2"]) == [b"C=1"]


def test_a_senders_own_session_keeps_its_cookies() -> None:
    """The sender gets those that the fetch changed."""
    fetched = [b"B=new; Path=/http", b"C=; Max-Age=0", b"D=4"]
    made = unit_within(b"A=a=1; B=old; C=3", b"T", fetched, AUTH)

    assert (made.token, made.authorization, made.names) == (b"T", AUTH, frozenset())
    assert made.cookie_field() == b"A=a=1; B=new; D=4"
    assert made.for_sender([]) == fetched
    assert made.for_sender([b"B=newest", b"E=5"]) == [b"C=; Max-Age=0", b"D=4", b"B=newest", b"E=5"]


def test_a_unit_shows_neither_token_nor_cookies() -> None:
    """The repr has the number of cookies."""
    assert repr(unit(b"canary", S=b"canary")) == "<CsrfUnit with 1 cookies>"
