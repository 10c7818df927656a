"""Token requests without a socket."""

import json
from typing import Any

import jwt

from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.authentication import PresentedCredentials
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.endpoint import AuthorizationServer
from proxy.sandbox.grants import GrantOutcome, TokenRequest

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=", certificate_name="cn")
NOW = 1_000_000
GRANT = {"grant_type": "client_credentials"}


def presented(secret: str, method: AuthMethod, client_id: str = CLIENT.client_id) -> PresentedCredentials:
    """By default the client's."""
    return PresentedCredentials(client_id=client_id, secret=secret, method=method)


BASIC = presented(CLIENT.secret, AuthMethod.CLIENT_SECRET_BASIC)


def token_request(
    parameters: dict[str, str] = GRANT,
    *,
    method: str = "POST",
    path: str = "/",
    credentials: PresentedCredentials | None = BASIC,
) -> TokenRequest:
    """A request."""
    return TokenRequest(method=method, path=path, parameters=parameters, params_in="body", credentials=credentials)


def refused(server: AuthorizationServer, request: TokenRequest, status: int) -> SandboxAnswer:
    """By this status."""
    decision = server.decide(request)
    assert decision.outcome is GrantOutcome.REFUSED
    assert decision.answer.status == status
    return decision.answer


def granted(server: AuthorizationServer, **parameters: str) -> dict[str, Any]:
    """Its document."""
    decision = server.decide(token_request(GRANT | parameters))
    assert decision.outcome is GrantOutcome.GRANTED
    assert decision.answer.status == 200
    assert ("Cache-Control", "no-store") in decision.answer.fields
    document: dict[str, Any] = json.loads(decision.answer.body)
    return document


def claims_of(document: dict[str, Any]) -> dict[str, Any]:
    """Unverified."""
    claims: dict[str, Any] = jwt.decode(document["access_token"], options={"verify_signature": False})
    return claims
