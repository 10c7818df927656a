"""How long a token lives."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.oauth.lifetime import LONGEST, lifetime, seconds
from tests.cases import cases

WALL = 1_800_000_000.0
NESTED = f"e30.{urlsafe_b64encode(b'[' * 100_000).decode()}.c"


def jwt_with(payload: Any) -> str:
    """An unsigned JWT."""
    return f"e30.{urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.c2ln"


@cases(
    "expires_in, expected",
    (3600, 3600.0),
    (1799.5, 1799.5),
    ("3600", 3600.0),
    (" 60 ", 60.0),
    *((unknown, None) for unknown in (None, 0, "0", -1, True, "soon", "", [3600], float("nan"))),
    (float("inf"), LONGEST),
    (10**12, LONGEST),
    pytest.param(10**400, LONGEST, id="beyond a float"),
    pytest.param(-(10**400), None, id="beyond a float, negative"),
    pytest.param("9" * 5000, LONGEST, id="huge string"),
)
def test_expires_in_is_read_as(expires_in: Any, expected: float | None) -> None:
    """Neo's zero means that the lifetime is unknown."""
    assert seconds(expires_in) == expected


@cases(
    "claims, expected",
    {
        "exp alone": ({"exp": WALL + 900}, 900.0),
        "exp as string": ({"exp": str(WALL + 900)}, 900.0),
        "issued earlier and handed out again": ({"exp": WALL + 900, "iat": WALL - 100}, 900.0),
        "our clock is slow": ({"exp": WALL + 900, "iat": WALL + 300}, 600.0),
        "our clock is fast": ({"exp": WALL - 100, "iat": WALL - 1000}, 900.0),
        "past by our clock": ({"exp": WALL - 100}, 77.0),
        "ends before it begins": ({"exp": WALL - 100, "iat": WALL}, 77.0),
        "huge": ({"exp": 1e300}, LONGEST),
        "unreadable exp": ({"exp": "never"}, 77.0),
        "no exp": ({"iat": WALL}, 77.0),
        "claims are not an object": ([1], 77.0),
    },
)
def test_a_jwt_tells_its_lifetime_if_expires_in_does_not(claims: Any, expected: float) -> None:
    """Without `exp` the default counts."""
    assert lifetime(None, jwt_with(claims), wall=WALL, default_ttl=77.0) == expected


@cases(
    "token",
    "8271a06707c6880",
    "a.b",
    "a.b.c.d",
    "a.b.c",
    "e30.%.c",
    "e30.Ä.c",
    "e30..c",
    f"e30.{'W' * 40_000}.c",
    NESTED,
)
def test_a_token_that_is_not_a_jwt_gets_the_default(token: str) -> None:
    """An opaque or broken token is not refused."""
    assert lifetime(None, token, wall=WALL, default_ttl=77.0) == 77.0


def test_expires_in_counts_more_than_the_claims() -> None:
    """The server knows its token."""
    assert lifetime(60.0, jwt_with({"exp": WALL + 900}), wall=WALL, default_ttl=77.0) == 60.0


@given(
    expires_in=st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans()),
    token=st.one_of(
        st.text(), st.builds(jwt_with, st.dictionaries(st.sampled_from(["exp", "iat"]), st.floats() | st.integers()))
    ),
)
def test_a_lifetime_is_always_positive_and_bounded(expires_in: Any, token: str) -> None:
    """No answer and no token gives an unusable lifetime."""
    assert 0 < lifetime(seconds(expires_in), token, wall=WALL, default_ttl=3600.0) <= LONGEST
