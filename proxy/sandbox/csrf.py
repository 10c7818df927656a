"""CSRF protection of the HTTPS sender adapter: nonces that are bound to a session, as Tomcat's REST filter does it."""

import base64
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

FIELD = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT = 10_000
"Sessions that are remembered."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a fetch opens: a nonce, and the cookies that must come back byte for byte."""

    nonce: str = field(repr=False)
    cookies: tuple[tuple[str, str], ...] = field(repr=False)

    def set_cookie_fields(self) -> tuple[tuple[str, str], ...]:
        """The three Set-Cookie fields.

        A real tenant session carries `Domain=.hana.ondemand.com` too; no jar would take that from loopback.
        """
        attributes = "; Path=/http; Secure; HttpOnly", "; Path=/; Secure; HttpOnly", "; Path=/; Secure; HttpOnly"
        pairs = zip(self.cookies, attributes, strict=True)
        return tuple(("Set-Cookie", f"{name}={value}{attribute}") for (name, value), attribute in pairs)


class Sessions:
    """The sessions of the runtime node."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._tenant_cookie = f"JTENANTSESSIONID_{uuid.uuid4().hex[:10]}"

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self) -> Session:
        """A new session."""
        session_id, node = secrets.token_hex(16).upper(), base64.b64encode(secrets.token_bytes(30)).decode()
        # The values show what a careless jar breaks: percent-encoded, `=` and `!` inside, as real ones are.
        tenant = f"a%2B{secrets.token_urlsafe(12)}%2F{secrets.token_urlsafe(12)}%3D"
        cookies = (
            ("JSESSIONID", session_id),
            (self._tenant_cookie, tenant),
            ("BIGipServersandboxiflmap.hcisbt.eu1.hana.ondemand.com", f"!{node}="),
        )
        session = Session(nonce=secrets.token_hex(16).upper(), cookies=cookies)
        self._sessions[session_id] = session
        if len(self._sessions) > _KEPT:
            del self._sessions[next(iter(self._sessions))]
        return session

    def find(self, cookie_fields: Iterable[str]) -> Session | None:
        """The session that these Cookie fields belong to, if all of its cookies came back unchanged."""
        cookies = read_cookies(cookie_fields)
        session = self._sessions.get(cookies.get("JSESSIONID", ""))
        return session if session is not None and set(session.cookies) <= set(cookies.items()) else None

    def clear(self) -> None:
        """Forget them all, as a restarted node does."""
        self._sessions.clear()


class Passage(Enum):
    """What becomes of a request to a protected flow."""

    RUN = "run"
    FETCH = "fetch"
    REFUSE = "refuse"


def check(method: str, token: str | None, session: Session | None) -> Passage:
    """Fetch, run or refuse, by method, X-CSRF-Token field and session."""
    if method in _SAFE_METHODS:
        return Passage.FETCH if token is not None and token.lower() == "fetch" else Passage.RUN
    return Passage.RUN if session is not None and token == session.nonce else Passage.REFUSE


def read_cookies(fields: Iterable[str]) -> dict[str, str]:
    """Cookie pairs as they are on the wire; nothing is decoded or unquoted."""
    pairs = (pair.strip().partition("=") for line in fields for pair in line.split(";"))
    return {name: value for name, equals, value in pairs if equals}
