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
    """An empty store."""
    return HttpSessions()


def cookie_field(session: HttpSession) -> str:
    """The Cookie field of a client that changes nothing."""
    return "; ".join(f"{name}={value}" for name, value in session.cookies)


def test_a_session_sets_three_cookies(sessions: HttpSessions) -> None:
    """With what careless clients change in their values."""
    first, second, third = (value for _, value in sessions.open().set_cookie_fields())
    assert re.fullmatch(r"JSESSIONID=[0-9A-F]{32}; Path=/http; Secure; HttpOnly", first)
    assert re.fullmatch(r"JTENANTSESSIONID_\w+=a%2B\S+%3D; Path=/; Secure; HttpOnly", second)
    assert re.fullmatch(r"BIGipServer\S+=!\S+=; Path=/; Secure; HttpOnly", third)


def test_a_nonce_has_32_upper_case_hexadecimal_digits(sessions: HttpSessions) -> None:
    """Tomcat's filter makes such ones."""
    assert re.fullmatch(r"[0-9A-F]{32}", sessions.open().nonce)


def test_a_session_is_found_by_its_cookies(sessions: HttpSessions) -> None:
    """They may be in several fields and among other cookies."""
    session = sessions.open()
    assert sessions.find([cookie_field(session)]) is session
    assert sessions.find([f"{name}={value}" for name, value in session.cookies]) is session
    assert sessions.find([f"other=1; {cookie_field(session)}"]) is session


def test_a_session_is_not_found_if_a_cookie_is_missing_or_changed(sessions: HttpSessions) -> None:
    """ABAP re-encodes cookie values (SAP note 2681175)."""
    field = cookie_field(sessions.open())
    assert sessions.find([field.replace("%2B", "+")]) is None
    assert sessions.find([field.partition("; ")[0]]) is None
    assert sessions.find([]) is None


def test_cleared_sessions_are_not_found(sessions: HttpSessions) -> None:
    """The store is empty."""
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
    """Tomcat's RestCsrfPreventionFilter decides in this way."""
    assert decide(method, token, session) is decision


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=8), VALUES, max_size=5))
def test_cookies_are_read_byte_for_byte(cookies: dict[str, str]) -> None:
    """Beyond a second equals sign, too."""
    assert read_cookies(["; ".join(f"{name}={value}" for name, value in cookies.items())]) == cookies


def test_a_word_without_equals_sign_is_not_a_cookie() -> None:
    """The cookies beside it are read."""
    assert read_cookies(["word; a=b;"]) == {"a": "b"}


def test_no_repr_shows_nonce_or_cookies(sessions: HttpSessions) -> None:
    """Both are credentials."""
    assert repr(sessions.open()) == "HttpSession()"
