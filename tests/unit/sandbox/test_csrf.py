"""Sessions and nonces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.csrf import Passage, Session, Sessions, check, read_cookies

SESSION = Session(nonce="0123456789ABCDEF0123456789ABCDEF", cookies=())


def cookie_field(session: Session) -> str:
    """What a careful jar sends back."""
    return "; ".join(f"{name}={value}" for name, value in session.cookies)


def test_a_session_sets_three_cookies_with_values_that_a_careless_jar_breaks() -> None:
    """Path, Secure and HttpOnly are as on a tenant; a percent-encoded plus is inside."""
    names_and_rest = [value for _, value in Sessions().open().set_cookie_fields()]
    assert re.fullmatch(r"JSESSIONID=[0-9A-F]{32}; Path=/http; Secure; HttpOnly", names_and_rest[0])
    assert re.fullmatch(r"JTENANTSESSIONID_\w+=a%2B\S+%3D; Path=/; Secure; HttpOnly", names_and_rest[1])
    assert re.fullmatch(r"BIGipServer\S+=!\S+=; Path=/; Secure; HttpOnly", names_and_rest[2])


def test_a_nonce_is_32_upper_case_hexadecimal_digits() -> None:
    """As Tomcat's filter makes them."""
    assert re.fullmatch(r"[0-9A-F]{32}", Sessions().open().nonce)


def test_a_session_is_found_by_its_cookies_in_one_field_or_in_several() -> None:
    """Some senders send two Cookie lines."""
    sessions = Sessions()
    session = sessions.open()
    assert sessions.find([cookie_field(session)]) is session
    assert sessions.find([f"{name}={value}" for name, value in session.cookies]) is session
    assert sessions.find([f"other=1; {cookie_field(session)}"]) is session


def test_a_session_is_lost_when_a_cookie_is_missing_or_changed() -> None:
    """ABAP's re-encoding of cookie values (SAP note 2681175) is such a change."""
    sessions = Sessions()
    field = cookie_field(sessions.open())
    assert sessions.find([field.replace("%2B", "+")]) is None
    assert sessions.find([field.partition("; ")[0]]) is None
    assert sessions.find([]) is None


def test_cleared_sessions_are_lost() -> None:
    """As after a restart."""
    sessions = Sessions()
    field = cookie_field(sessions.open())
    sessions.clear()
    assert (sessions.find([field]), len(sessions)) == (None, 0)


def test_very_many_sessions_push_out_the_oldest() -> None:
    """Memory is bounded."""
    sessions = Sessions()
    first = cookie_field(sessions.open())
    for _ in range(10_000):
        sessions.open()
    assert (sessions.find([first]), len(sessions)) == (None, 10_000)


@pytest.mark.parametrize(
    ("method", "token", "session", "passage"),
    [
        ("GET", "fetch", None, Passage.FETCH),
        ("HEAD", "Fetch", SESSION, Passage.FETCH),
        ("OPTIONS", "FETCH", None, Passage.FETCH),
        ("GET", None, None, Passage.RUN),
        ("GET", "something", None, Passage.RUN),
        ("POST", SESSION.nonce, SESSION, Passage.RUN),
        ("POST", SESSION.nonce, None, Passage.REFUSE),
        ("POST", None, SESSION, Passage.REFUSE),
        ("POST", "fetch", SESSION, Passage.REFUSE),
        ("PUT", "0" * 32, SESSION, Passage.REFUSE),
        ("POST", SESSION.nonce.lower(), SESSION, Passage.REFUSE),
    ],
)
def test_method_token_and_session_decide(
    method: str, token: str | None, session: Session | None, passage: Passage
) -> None:
    """As Tomcat's RestCsrfPreventionFilter was seen to decide."""
    assert check(method, token, session) is passage


VALUES = st.text('abcXYZ019%=!+/-_."', max_size=20)


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=8), VALUES, max_size=5))
def test_cookies_are_read_byte_for_byte(cookies: dict[str, str]) -> None:
    """Nothing is decoded, unquoted or cut at a second equals sign."""
    assert read_cookies(["; ".join(f"{name}={value}" for name, value in cookies.items())]) == cookies


def test_what_is_no_pair_is_no_cookie() -> None:
    """A word without an equals sign is passed over."""
    assert read_cookies(["word; a=b;"]) == {"a": "b"}


def test_no_repr_shows_nonce_or_cookies() -> None:
    """Both are credentials."""
    assert repr(Sessions().open()) == "Session()"
