"""The runtime node's checks in order."""

from dataclasses import replace
from typing import Any

from proxy.sandbox.admission import Admission, Caller, admit
from proxy.sandbox.clients import ROLE
from proxy.sandbox.csrf import HttpSession
from proxy.sandbox.tokens import AccessToken
from tests.cases import cases

TOKEN = AccessToken(value="t", client_id="a", roles=frozenset({ROLE}), expires_at=1.0)
ROLELESS = AccessToken(value="t", client_id="a", roles=frozenset(), expires_at=1.0)
ADMITTED = Caller(
    method="POST",
    path="/http/orders",
    token=TOKEN,
    csrf_token="N",
    session=HttpSession(nonce="N", cookies=()),
    content_length=1,
)
HUGE = 41 << 20
FETCH = {"method": "GET", "csrf_token": "fetch"}


@cases(
    "changes, admission",
    ({}, Admission.RUN),
    ({"content_length": None}, Admission.RUN),
    ({"method": "GET", "csrf_token": None, "session": None}, Admission.RUN),
    ({**FETCH, "session": None}, Admission.FETCH),
    ({**FETCH, "path": "/http/invoices"}, Admission.RUN),
    ({"method": "TRACE", "token": None}, Admission.METHOD_REFUSED),
    ({"token": None, "path": "/nowhere"}, Admission.TOKEN_MISSING),
    ({"token": None, "csrf_token": None}, Admission.TOKEN_MISSING),
    ({**FETCH, "token": None}, Admission.TOKEN_MISSING),
    ({"token": ROLELESS, "path": "/nowhere"}, Admission.ADDRESS_UNKNOWN),
    ({"token": ROLELESS, "csrf_token": None}, Admission.ROLE_MISSING),
    ({"csrf_token": None, "content_length": HUGE}, Admission.CSRF_REQUIRED),
    ({"content_length": HUGE}, Admission.TOO_LARGE),
    ({"path": "/http/echo", "content_length": HUGE}, Admission.RUN),
)
def test_the_first_failed_check_decides(changes: dict[str, Any], admission: Admission) -> None:
    """Method, token, address, role, CSRF, size."""
    assert admit(replace(ADMITTED, **changes))[0] is admission


@cases(
    "changes, admission",
    ({"csrf_token": None}, Admission.CSRF_REQUIRED),
    ({}, Admission.TOKEN_MISSING),
    (FETCH, Admission.TOKEN_MISSING),
)
def test_csrf_can_be_checked_first(changes: dict[str, Any], admission: Admission) -> None:
    """Fetching needs a token."""
    assert admit(replace(ADMITTED, token=None, **changes), csrf_first=True)[0] is admission
