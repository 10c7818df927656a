"""Sessions and nonces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.csrf import CsrfDecision, HttpSession, HttpSessions, decide, read_cookies
from tests.cases import grouped_cases

SESSION = HttpSession(nonce="0123456789ABCDEF0123456789ABCDEF", cookies=())
VALUES = st.text('abcXYZ019%=!+/-_."', max_size=20)


@pytest.fixture
def sessions() -> HttpSessions:
    """None yet."""
    return HttpSessions()


def cookie_field(session: HttpSession) -> str:
    """Of an honest client."""
    return "; ".join(f"{name}={value}" for name, value in session.cookies)


def test_a_session_sets_three_cookies(sessions: HttpSessions) -> None:
    """Careless clients change them."""
    first, second, third = (value for _, value in sessions.open().set_cookie_fields())
    assert re.fullmatch(r"JSESSIONID=[0-9A-F]{32}; Path=/http; Secure; HttpOnly", first)
    assert re.fullmatch(r"JTENANTSESSIONID_\w+=a%2B\S+%3D; Path=/; Secure; HttpOnly", second)
    assert re.fullmatch(r"BIGipServer\S+=!\S+=; Path=/; Secure; HttpOnly", third)


def test_a_nonce_has_32_upper_case_hexadecimal_digits(sessions: HttpSessions) -> None:
    """As of Tomcat's filter."""
    assert re.fullmatch(r"[0-9A-F]{32}", sessions.open().nonce)


def test_a_session_is_found_by_its_cookies(sessions: HttpSessions) -> None:
    """In several fields, among others."""
    session = sessions.open()
    assert sessions.find([cookie_field(session)]) is session
    assert sessions.find([f"{name}={value}" for name, value in session.cookies]) is session
    assert sessions.find([f"other=1; {cookie_field(session)}"]) is session


def test_a_session_is_not_found_if_a_cookie_is_missing_or_changed(sessions: HttpSessions) -> None:
    """As ABAP does (SAP note 2681175)."""
    field = cookie_field(sessions.open())
    assert sessions.find([field.replace("%2B", "+")]) is None
    assert sessions.find([field.partition("; ")[0]]) is None
    assert sessions.find([]) is None


def test_cleared_sessions_are_not_found(sessions: HttpSessions) -> None:
    """None is."""
    field = cookie_field(sessions.open())
    sessions.clear()
    assert sessions.find([field]) is None
    assert len(sessions) == 0


def test_the_oldest_of_10_001_sessions_is_forgotten(sessions: HttpSessions) -> None:
    """Memory is bounded."""
    first = cookie_field(sessions.open())
    for _ in range(10_000):
        sessions.open()
    assert sessions.find([first]) is None
    assert len(sessions) == 10_000


@grouped_cases(
    "method, session, decision, token",
    ("GET", None, CsrfDecision.FETCH, ["fetch"]),
    ("HEAD", SESSION, CsrfDecision.FETCH, ["Fetch"]),
    ("OPTIONS", None, CsrfDecision.FETCH, ["FETCH"]),
    ("GET", None, CsrfDecision.RUN, [None, "something"]),
    ("POST", SESSION, CsrfDecision.RUN, [SESSION.nonce]),
    ("POST", None, CsrfDecision.REFUSE, [SESSION.nonce]),
    ("POST", SESSION, CsrfDecision.REFUSE, [None, "fetch", SESSION.nonce.lower()]),
    ("PUT", SESSION, CsrfDecision.REFUSE, ["0" * 32]),
)
def test_method_token_and_session_decide(
    method: str, token: str | None, session: HttpSession | None, decision: CsrfDecision
) -> None:
    """As in Tomcat's RestCsrfPreventionFilter."""
    assert decide(method, token, session) is decision


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=8), VALUES, max_size=5))
def test_cookies_are_read_byte_for_byte(cookies: dict[str, str]) -> None:
    """A second equals sign, too."""
    assert read_cookies(["; ".join(f"{name}={value}" for name, value in cookies.items())]) == cookies


def test_a_word_without_equals_sign_is_not_a_cookie() -> None:
    """Others are read."""
    assert read_cookies(["word; a=b;"]) == {"a": "b"}


def test_no_repr_shows_nonce_or_cookies(sessions: HttpSessions) -> None:
    """Both are credentials."""
    assert repr(sessions.open()) == "HttpSession()"
