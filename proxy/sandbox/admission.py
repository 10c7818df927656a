"""What the runtime node checks before an integration flow runs, in its order, as a decision over values."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from proxy.sandbox import csrf
from proxy.sandbox.flows import IntegrationFlow, find_flow
from proxy.sandbox.tokens import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a request shows of itself."""

    method: str
    path: str
    token: AccessToken | None
    "None if there is none, or none that is good now."
    csrf_token: str | None
    session: csrf.Session | None
    content_length: int | None = None


class Check(Enum):
    """How a request fares; each member but RUN and FETCH is a refusal."""

    RUN = "run"
    FETCH = "fetch"
    METHOD_REFUSED = "method_refused"
    TOKEN_MISSING = "token_missing"  # noqa: S105 (a name)
    ADDRESS_UNKNOWN = "address_unknown"
    ROLE_MISSING = "role_missing"
    CSRF_REQUIRED = "csrf_required"
    TOO_LARGE = "too_large"


def admit(caller: Caller, *, csrf_first: bool = False) -> tuple[Check, IntegrationFlow | None]:
    """Token, address, role, CSRF, size; SAP documents no place for the CSRF check, so it can be put first."""
    flow = find_flow(caller.path)
    protection = _check_csrf(caller, flow)
    checks = [_check_token(caller), _check_role(caller, flow), protection, _check_size(caller, flow)]
    if csrf_first and protection is Check.CSRF_REQUIRED:
        return protection, flow
    return next((check for check in checks if check is not Check.RUN), Check.RUN), flow


def _check_token(caller: Caller) -> Check:
    if caller.method == "TRACE":
        return Check.METHOD_REFUSED
    return Check.RUN if caller.token else Check.TOKEN_MISSING


def _check_role(caller: Caller, flow: IntegrationFlow | None) -> Check:
    if flow is None:
        return Check.ADDRESS_UNKNOWN
    return Check.RUN if caller.token and flow.role in caller.token.roles else Check.ROLE_MISSING


def _check_size(caller: Caller, flow: IntegrationFlow | None) -> Check:
    too_large = flow is not None and (caller.content_length or 0) > flow.max_body
    return Check.TOO_LARGE if too_large else Check.RUN


def _check_csrf(caller: Caller, flow: IntegrationFlow | None) -> Check:
    if flow is None or not flow.csrf:
        return Check.RUN
    match csrf.check(caller.method, caller.csrf_token, caller.session):
        case csrf.Passage.RUN:
            return Check.RUN
        case csrf.Passage.FETCH:
            return Check.FETCH
        case csrf.Passage.REFUSE:
            return Check.CSRF_REQUIRED
        case passage:
            assert_never(passage)
