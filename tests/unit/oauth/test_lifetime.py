"""How long a token lives."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.oauth.lifetime import LONGEST, lifetime, seconds

WALL = 1_800_000_000.0


def jwt_with(payload: Any) -> str:
    """Make an unsigned JWT."""
    return f"e30.{urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("expires_in", "expected"),
    [
        pytest.param(3600, 3600.0, id="number"),
        pytest.param(1799.5, 1799.5, id="fraction"),
        pytest.param("3600", 3600.0, id="string"),
        pytest.param(" 60 ", 60.0, id="string with spaces"),
        pytest.param(None, None, id="null or missing"),
        pytest.param(0, None, id="zero, which is Neo's word for unknown"),
        pytest.param("0", None, id="zero as string"),
        pytest.param(-1, None, id="negative"),
        pytest.param(True, None, id="boolean"),
        pytest.param("soon", None, id="word"),
        pytest.param("", None, id="empty"),
        pytest.param([3600], None, id="list"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(float("inf"), LONGEST, id="infinite"),
        pytest.param(10**12, LONGEST, id="huge"),
        pytest.param(10**400, LONGEST, id="beyond a float"),
        pytest.param(-(10**400), None, id="beyond a float, negative"),
        pytest.param("9" * 5000, LONGEST, id="huge string"),
    ],
)
def test_expires_in_is_read_as(expires_in: Any, expected: float | None) -> None:
    """`expires_in` gives these seconds, or nothing."""
    assert seconds(expires_in) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({"exp": WALL + 900}, 900.0, id="exp alone"),
        pytest.param({"exp": str(WALL + 900)}, 900.0, id="exp as string"),
        pytest.param({"exp": WALL + 900, "iat": WALL - 100}, 900.0, id="issued earlier and handed out again"),
        pytest.param({"exp": WALL + 900, "iat": WALL + 300}, 600.0, id="our clock is slow"),
        pytest.param({"exp": WALL - 100, "iat": WALL - 1000}, 900.0, id="our clock is fast"),
        pytest.param({"exp": WALL - 100}, 77.0, id="over by our clock, so it says nothing"),
        pytest.param({"exp": WALL - 100, "iat": WALL}, 77.0, id="ends before it begins"),
        pytest.param({"exp": 1e300}, LONGEST, id="huge"),
        pytest.param({"exp": "never"}, 77.0, id="unreadable exp"),
        pytest.param({"iat": WALL}, 77.0, id="no exp"),
        pytest.param([1], 77.0, id="claims are no object"),
    ],
)
def test_a_jwt_tells_its_lifetime_where_expires_in_does_not(claims: Any, expected: float) -> None:
    """Without `expires_in` the claims count, without both the default."""
    assert lifetime(None, jwt_with(claims), wall=WALL, default_ttl=77.0) == expected


@pytest.mark.parametrize(
    "token",
    ["8271a06707c6880", "a.b", "a.b.c.d", "a.b.c", "e30.%.c", "e30.Ä.c", "e30..c", f"e30.{'W' * 40_000}.c"],
)
def test_what_is_no_jwt_gets_the_default(token: str) -> None:
    """An opaque or broken token is no reason to refuse."""
    assert lifetime(None, token, wall=WALL, default_ttl=77.0) == 77.0


def test_deeply_nested_claims_get_the_default() -> None:
    """Claims that would exhaust the stack say nothing."""
    payload = urlsafe_b64encode(b"[" * 100_000).decode()
    assert lifetime(None, f"e30.{payload}.c", wall=WALL, default_ttl=77.0) == 77.0


def test_expires_in_has_the_first_word() -> None:
    """What the server says outweighs what the token says."""
    assert lifetime(60.0, jwt_with({"exp": WALL + 900}), wall=WALL, default_ttl=77.0) == 60.0


@given(
    expires_in=st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans()),
    token=st.one_of(
        st.text(), st.builds(jwt_with, st.dictionaries(st.sampled_from(["exp", "iat"]), st.floats() | st.integers()))
    ),
)
def test_a_lifetime_is_always_positive_and_bounded(expires_in: Any, token: str) -> None:
    """Whatever a server says, the lifetime is a usable number."""
    assert 0 < lifetime(seconds(expires_in), token, wall=WALL, default_ttl=3600.0) <= LONGEST
