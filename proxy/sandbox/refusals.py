"""What the runtime node answers to a request that no integration flow sees, and to a fetch of a CSRF token."""

from typing import assert_never

from proxy.sandbox import csrf
from proxy.sandbox.admission import Check
from proxy.sandbox.answers import HSTS, SandboxAnswer
from proxy.sandbox.pages import tomcat_page

_FETCH_FIELDS = (("Cache-Control", "private"), ("Expires", "Thu, 01 Jan 1970 00:00:00 UTC"))


def refusal(check: Check, *, cookies: tuple[tuple[str, str], ...] = ()) -> SandboxAnswer:
    """Tomcat's page for a check that was not passed; `cookies` are Set-Cookie fields of a session opened for it."""
    match check:
        case Check.TOKEN_MISSING:
            return tomcat_page(401, fields=(("WWW-Authenticate", 'Bearer error="invalid_token"'), HSTS))
        case Check.ROLE_MISSING:
            return tomcat_page(403, fields=(HSTS,))
        case Check.CSRF_REQUIRED:
            # The one field that tells this 403 from that of a missing role.
            return tomcat_page(403, fields=((csrf.FIELD, "Required"), *cookies, HSTS))
        case Check.ADDRESS_UNKNOWN:
            return tomcat_page(404, fields=(HSTS,))
        case Check.METHOD_REFUSED:
            return tomcat_page(405, fields=(("Allow", "GET, POST, PUT, DELETE"), HSTS))
        case Check.TOO_LARGE:
            return tomcat_page(413, fields=(HSTS,))
        case Check.RUN | Check.FETCH:
            raise ValueError(f"{check} is no refusal")
        case _:
            assert_never(check)


def fetched(session: csrf.Session, *, cookies: tuple[tuple[str, str], ...] = ()) -> SandboxAnswer:
    """The nonce of a session; the flow has not run."""
    return SandboxAnswer(reason="", fields=(*_FETCH_FIELDS, *cookies, (csrf.FIELD, session.nonce), HSTS))
