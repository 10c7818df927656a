"""The checks of the runtime node before an integration flow runs, in their order."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from proxy.sandbox import csrf
from proxy.sandbox.flows import IntegrationFlow, find_flow
from proxy.sandbox.tokens import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The parts of a request that decide on its admission."""

    method: str
    path: str
    token: AccessToken | None
    "None if there is no valid token."
    csrf_token: str | None
    session: csrf.HttpSession | None
    content_length: int | None = None


class Admission(Enum):
    """The decision on a request; all members but RUN and FETCH are refusals."""

    RUN = "run"
    FETCH = "fetch"
    METHOD_REFUSED = "method_refused"
    TOKEN_MISSING = "token_missing"  # noqa: S105 (a name)
    ADDRESS_UNKNOWN = "address_unknown"
    ROLE_MISSING = "role_missing"
    CSRF_REQUIRED = "csrf_required"
    TOO_LARGE = "too_large"


def admit(caller: Caller, *, csrf_first: bool = False) -> tuple[Admission, IntegrationFlow | None]:
    """Checks token, address, role, CSRF and size, or CSRF first, because SAP does not document its place."""
    flow = find_flow(caller.path)
    protection = _check_csrf(caller, flow)
    checks = [_check_token(caller), _check_role(caller, flow), protection, _check_size(caller, flow)]
    if csrf_first and protection is Admission.CSRF_REQUIRED:
        return protection, flow
    return next((check for check in checks if check is not Admission.RUN), Admission.RUN), flow


def _check_token(caller: Caller) -> Admission:
    if caller.method == "TRACE":
        return Admission.METHOD_REFUSED
    return Admission.RUN if caller.token else Admission.TOKEN_MISSING


def _check_role(caller: Caller, flow: IntegrationFlow | None) -> Admission:
    if flow is None:
        return Admission.ADDRESS_UNKNOWN
    return Admission.RUN if caller.token and flow.role in caller.token.roles else Admission.ROLE_MISSING


def _check_size(caller: Caller, flow: IntegrationFlow | None) -> Admission:
    too_large = flow is not None and (caller.content_length or 0) > flow.max_body
    return Admission.TOO_LARGE if too_large else Admission.RUN


def _check_csrf(caller: Caller, flow: IntegrationFlow | None) -> Admission:
    if flow is None or not flow.csrf:
        return Admission.RUN
    match csrf.decide(caller.method, caller.csrf_token, caller.session):
        case csrf.CsrfDecision.RUN:
            return Admission.RUN
        case csrf.CsrfDecision.FETCH:
            return Admission.FETCH
        case csrf.CsrfDecision.REFUSE:
            return Admission.CSRF_REQUIRED
        case decision:
            assert_never(decision)
