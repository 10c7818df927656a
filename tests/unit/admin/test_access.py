"""Which credential admits."""

from proxy.admin.access import CODE_LIFETIME, AdminAccess, cookie_name, cookies
from proxy.config.parsed_values import parse_address
from tests.cases import cases
from tests.fakes.clock import HandClock

COOKIE = b"cpi-oauth-proxy-9901"


def access(clock: HandClock | None = None) -> AdminAccess:
    """With the token `right`."""
    made = AdminAccess((clock or HandClock()).monotonic)
    made.update("right")
    return made


def admits(made: AdminAccess, *fields: tuple[bytes, bytes]) -> bool:
    """By these fields."""
    return made.refusal(fields, COOKIE) is None


@cases("value", b"", b"Bearer", b"Bearer ", b"bearerright", b"Bearer\tright", b"Bearer right right")
def test_what_is_not_one_token_is_none(value: bytes) -> None:
    """RFC 6750 §2.1."""
    assert not admits(access(), (b"Authorization", value))
    assert admits(access(), (b"AUTHORIZATION", b"BEARER right"))


def test_without_a_token_nothing_admits() -> None:
    """The reason is told."""
    made = access()
    session = made.sign_in("right") or ""
    assert admits(made, (b"Cookie", COOKIE + b"=" + session.encode()))
    made.deny("because")
    assert made.token is None
    assert not admits(made, (b"Cookie", COOKIE + b"=" + session.encode()))
    assert not admits(made, (b"Authorization", b"Bearer right"))
    assert made.sign_in("") is made.sign_in("right") is None
    refusal = made.refusal((), COOKIE)
    assert refusal is not None
    assert (refusal.status, refusal.detail) == (401, "There is no admin token: because")


def test_the_same_token_again_ends_no_session_and_another_one_does() -> None:
    """A code ends too."""
    made = access()
    session, code = (made.sign_in("right") or "").encode(), made.code()
    made.update("right")
    assert admits(made, (b"Cookie", COOKIE + b"=" + session))
    made.update("other")
    assert not admits(made, (b"Cookie", COOKIE + b"=" + session))
    assert made.sign_in(code) is None


def test_a_code_opens_one_session_within_a_minute() -> None:
    """It is neither token nor session."""
    clock = HandClock()
    made = access(clock)
    code, late = made.code(), made.code()
    assert not admits(made, (b"Authorization", b"Bearer " + code.encode()))
    assert not admits(made, (b"Cookie", COOKIE + b"=" + code.encode()))
    session = made.sign_in(code) or ""
    assert admits(made, (b"Cookie", COOKIE + b"=" + session.encode()))
    assert made.sign_in(code) is None
    clock.advance(CODE_LIFETIME)
    assert made.sign_in(late) is None


def test_a_cookie_is_found_among_others() -> None:
    """Not within another name."""
    fields = ((b"cookie", b"x=1; a=2;a=3 ; xa=4; a"), (b"Cookie", b"a=5=6"), (b"x", b"a=7"))
    assert list(cookies(fields, b"a")) == [b"2", b"3", b"", b"5=6"]


def test_the_name_has_the_port() -> None:
    """A Unix socket has none."""
    assert cookie_name(parse_address("[::1]:9901")) == "cpi-oauth-proxy-9901"
    assert cookie_name(parse_address("unix:/run/admin")) == "cpi-oauth-proxy-unix"
