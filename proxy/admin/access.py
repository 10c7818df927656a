"""Access to what needs the admin token: by the token itself, or by a session that a browser has begun with it."""

import hmac
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from aiohttp import web

from proxy.admin.sessions import LIFETIME, Sessions
from proxy.config.model import Address
from proxy.syntax import values_of
from proxy.wire.field_names import FieldPairs
from proxy.wire.local_site import SiteRefusal

CONSOLE = "/console/"
CONSOLE_PATHS = (CONSOLE, "/console")
"Somebody may have shortened the URL."
ADMITTED: web.RequestKey[Callable[[], bool]] = web.RequestKey("admitted")
"Of a request: whether it still would be admitted, for answers that last."
CODE_LIFETIME = 60.0
"Seconds."
_NEEDED = (
    "This needs the admin token, as `Authorization: Bearer TOKEN`. In a browser, open the URL that"
    " `cpi-oauth-proxy console` prints."
)
_BEARER = re.compile(rb"bearer +(\S+)", re.IGNORECASE)
"RFC 6750 §2.1; the name of a scheme has no case (RFC 9110 §11.1)."


class AdminAccess:
    """The token, and the sessions that were opened with it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._sessions = Sessions(now)
        self._codes = Sessions(now, CODE_LIFETIME)
        self._token: bytes | None = None
        self._reason = ""

    @property
    def token(self) -> str | None:
        """The token, if there is one."""
        return None if self._token is None else self._token.decode()

    def update(self, token: str) -> None:
        """Admits this token from now on; another one than before ends all sessions."""
        if token.encode() != self._token:
            self._end_sessions()
        self._token = token.encode()

    def deny(self, reason: str) -> None:
        """Admits nobody; the reason is told."""
        self._end_sessions()
        self._token, self._reason = None, reason

    def refusal(self, fields: FieldPairs, cookie: bytes) -> SiteRefusal | None:
        """Returns why a request is refused, if it is; `cookie` is the name of the session's cookie."""
        if self._token is None:
            return SiteRefusal(401, f"There is no admin token: {self._reason}")
        shown = values_of(fields, b"authorization")
        found = _BEARER.fullmatch(shown[0].strip()) if len(shown) == 1 else None
        if found and hmac.compare_digest(found[1], self._token):
            return None
        if any(self._sessions.admits(value) for value in cookies(fields, cookie)):
            return None
        return SiteRefusal(401, _NEEDED)

    def code(self) -> str:
        """Returns what opens one session, in place of the token, where others might see it."""
        return self._codes.open()

    def sign_in(self, token: str) -> str | None:
        """Returns the value of a new session; None for a wrong token, and for a code that was used."""
        shown = token.encode(errors="surrogateescape")
        if self._codes.consume(shown) or (self._token is not None and hmac.compare_digest(shown, self._token)):
            return self._sessions.open()
        return None

    def _end_sessions(self) -> None:
        self._sessions.end()
        self._codes.end()


def cookies(fields: FieldPairs, name: bytes) -> Iterator[bytes]:
    """Yields the values of all cookies of this name: a page of another port can set one beside ours."""
    for field in values_of(fields, b"cookie"):
        for pair in field.split(b";"):
            key, _, value = pair.strip().partition(b"=")
            if key == name:
                yield value


def cookie_name(address: Address) -> str:
    """Returns the name of the cookie; it has the port, because a browser sends cookies to all ports of a host."""
    return f"cpi-oauth-proxy-{'unix' if address.path is not None else address.port}"


def token_guard(
    access: AdminAccess,
    *,
    public: Collection[str],
    address: Callable[[], Address],
    refused: Callable[[SiteRefusal], object],
) -> Any:
    """Returns the middleware that asks for the token, but not for public paths; before a 404."""

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        if not is_public(request, public):
            name = cookie_name(address())
            if request.method == "GET" and request.path in CONSOLE_PATHS and "token" in request.query:
                tokens = request.query.getall("token")
                session = access.sign_in(tokens[0]) if len(tokens) == 1 else None
                if session is not None:
                    return signed_in(name, session)
                refusal = access.refusal((), b"")
            else:
                refusal = access.refusal(request.raw_headers, name.encode())
            request[ADMITTED] = lambda: access.refusal(request.raw_headers, name.encode()) is None
            if refusal is not None:
                refused(refusal)
                challenge = {"WWW-Authenticate": "Bearer"}
                return web.Response(status=refusal.status, text=f"{refusal.detail}\n", headers=challenge)
        answer: web.StreamResponse = await handler(request)
        return answer

    return guard


def is_public(request: web.Request, public: Collection[str]) -> bool:
    """Whether the resource that answers is a public one; without a resource (404, 405), whether the path is."""
    resource = request.match_info.route.resource
    return (request.path if resource is None else resource.canonical) in public


def signed_in(name: str, session: str) -> web.Response:
    """Returns the answer that sets the cookie, and leads to the console by a URL without the token."""
    answer = web.Response(status=303, headers={"Location": CONSOLE})
    answer.set_cookie(name, session, path="/", httponly=True, samesite="Strict", max_age=int(LIFETIME))
    return answer
