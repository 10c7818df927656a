"""The order of the runtime node's checks."""

import pytest

from proxy.sandbox.admission import Caller, Check, admit
from proxy.sandbox.csrf import Session
from proxy.sandbox.registration import ROLE
from proxy.sandbox.tokens import AccessToken

TOKEN = AccessToken(value="t", client_id="a", roles=frozenset({ROLE}), expires_at=1.0)
ROLELESS = AccessToken(value="t", client_id="a", roles=frozenset(), expires_at=1.0)
SESSION = Session(nonce="N", cookies=())


def caller(
    *,
    method: str = "POST",
    path: str = "/http/orders",
    token: AccessToken | None = TOKEN,
    csrf_token: str | None = "N",
    session: Session | None = SESSION,
    content_length: int | None = 1,
) -> Caller:
    """Somebody who passes, but for what is given."""
    return Caller(
        method=method,
        path=path,
        token=token,
        csrf_token=csrf_token,
        session=session,
        content_length=content_length,
    )


HUGE = 41 << 20


@pytest.mark.parametrize(
    ("request_", "check"),
    [
        (caller(), Check.RUN),
        (caller(content_length=None), Check.RUN),
        (caller(method="GET", csrf_token=None, session=None), Check.RUN),
        (caller(method="GET", csrf_token="fetch", session=None), Check.FETCH),
        (caller(method="GET", path="/http/invoices", csrf_token="fetch"), Check.RUN),
        (caller(method="TRACE", token=None), Check.METHOD_REFUSED),
        (caller(token=None, path="/nowhere"), Check.TOKEN_MISSING),
        (caller(token=None, csrf_token=None), Check.TOKEN_MISSING),
        (caller(token=None, method="GET", csrf_token="fetch"), Check.TOKEN_MISSING),
        (caller(token=ROLELESS, path="/nowhere"), Check.ADDRESS_UNKNOWN),
        (caller(token=ROLELESS, csrf_token=None), Check.ROLE_MISSING),
        (caller(csrf_token=None, content_length=HUGE), Check.CSRF_REQUIRED),
        (caller(content_length=HUGE), Check.TOO_LARGE),
        (caller(path="/http/echo", content_length=HUGE), Check.RUN),
    ],
)
def test_the_first_check_that_fails_decides(request_: Caller, check: Check) -> None:
    """Method, token, address, role, CSRF, size."""
    assert admit(request_)[0] is check


def test_the_csrf_check_can_come_first() -> None:
    """Where SAP puts it is not documented; a fetch needs a token all the same."""
    assert admit(caller(token=None, csrf_token=None), csrf_first=True)[0] is Check.CSRF_REQUIRED
    assert admit(caller(token=None), csrf_first=True)[0] is Check.TOKEN_MISSING
    assert admit(caller(token=None, method="GET", csrf_token="fetch"), csrf_first=True)[0] is Check.TOKEN_MISSING
