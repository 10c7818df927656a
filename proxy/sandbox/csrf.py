"""CSRF protection of the HTTPS sender adapter: nonces bound to a session, as in Tomcat's RestCsrfPreventionFilter."""

import base64
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

FIELD = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT = 10_000
"Number of sessions that are remembered."


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSession:
    """A session with its nonce, and the cookies that a client must return byte for byte."""

    nonce: str = field(repr=False)
    cookies: tuple[tuple[str, str], ...] = field(repr=False)

    def set_cookie_fields(self) -> tuple[tuple[str, str], ...]:
        """Returns the three Set-Cookie fields.

        A real tenant's cookie has `Domain=.hana.ondemand.com` too, which no client would accept from loopback.
        """
        attributes = "; Path=/http; Secure; HttpOnly", "; Path=/; Secure; HttpOnly", "; Path=/; Secure; HttpOnly"
        pairs = zip(self.cookies, attributes, strict=True)
        return tuple(("Set-Cookie", f"{name}={value}{attribute}") for (name, value), attribute in pairs)


class HttpSessions:
    """The sessions of the runtime node."""

    def __init__(self) -> None:
        self._sessions: dict[str, HttpSession] = {}
        self._tenant_cookie = f"JTENANTSESSIONID_{uuid.uuid4().hex[:10]}"

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self) -> HttpSession:
        """Opens a new session."""
        session_id, node = secrets.token_hex(16).upper(), base64.b64encode(secrets.token_bytes(30)).decode()
        # Like real values, these contain percent-encoding, `=` and `!`, which careless clients change.
        tenant = f"a%2B{secrets.token_urlsafe(12)}%2F{secrets.token_urlsafe(12)}%3D"
        cookies = (
            ("JSESSIONID", session_id),
            (self._tenant_cookie, tenant),
            ("BIGipServersandboxiflmap.hcisbt.eu1.hana.ondemand.com", f"!{node}="),
        )
        session = HttpSession(nonce=secrets.token_hex(16).upper(), cookies=cookies)
        self._sessions[session_id] = session
        if len(self._sessions) > _KEPT:
            del self._sessions[next(iter(self._sessions))]
        return session

    def find(self, cookie_fields: Iterable[str]) -> HttpSession | None:
        """Returns the session of these Cookie fields if they contain all of its cookies unchanged."""
        cookies = read_cookies(cookie_fields)
        session = self._sessions.get(cookies.get("JSESSIONID", ""))
        return session if session is not None and set(session.cookies) <= set(cookies.items()) else None

    def clear(self) -> None:
        """Forgets all sessions, as a restart of the node does."""
        self._sessions.clear()


class CsrfDecision(Enum):
    """The decision on a request to a protected flow."""

    RUN = "run"
    FETCH = "fetch"
    REFUSE = "refuse"


def decide(method: str, token: str | None, session: HttpSession | None) -> CsrfDecision:
    """Decides by method, X-CSRF-Token field and session."""
    if method in _SAFE_METHODS:
        return CsrfDecision.FETCH if token is not None and token.lower() == "fetch" else CsrfDecision.RUN
    return CsrfDecision.RUN if session is not None and token == session.nonce else CsrfDecision.REFUSE


def read_cookies(fields: Iterable[str]) -> dict[str, str]:
    """Returns the cookies as they are on the wire, without decoding or unquoting."""
    pairs = (pair.strip().partition("=") for line in fields for pair in line.split(";"))
    return {name: value for name, equals, value in pairs if equals}
