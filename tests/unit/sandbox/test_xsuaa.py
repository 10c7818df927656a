"""The decisions of XSUAA."""

import json
from typing import Any

import jwt
import pytest

from proxy.clock import Clock
from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.authentication import ClientRegistry, PresentedCredentials
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.faults import Faults
from proxy.sandbox.grants import GrantOutcome, TokenRequest
from proxy.sandbox.keys import SigningKey
from proxy.sandbox.tokens import IssuedTokens
from proxy.sandbox.xsuaa import DISCOVERY_PATH, KEYS_PATH, TOKEN_PATH, Xsuaa

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=", certificate_name="cn")
NOW = 1_000_000
GRANT = {"grant_type": "client_credentials"}


def presented(secret: str, method: AuthMethod) -> PresentedCredentials:
    """Returns credentials of the client."""
    return PresentedCredentials(client_id=CLIENT.client_id, secret=secret, method=method)


BASIC = presented(CLIENT.secret, AuthMethod.CLIENT_SECRET_BASIC)
BODY = presented(CLIENT.secret, AuthMethod.CLIENT_SECRET_POST)
CERTIFICATE = presented("", AuthMethod.TLS_CLIENT_AUTH)
BAD_BASIC = presented("no", AuthMethod.CLIENT_SECRET_BASIC)
BAD_BODY = presented("no", AuthMethod.CLIENT_SECRET_POST)


@pytest.fixture
def xsuaa(signing_key: SigningKey, clock: Clock) -> Xsuaa:
    """A server with one OAuth client."""
    return Xsuaa(
        url="https://x",
        registry=ClientRegistry([CLIENT]),
        tokens=IssuedTokens(),
        key=signing_key,
        faults=Faults(),
        clock=clock,
    )


def request(
    parameters: dict[str, str] = GRANT,
    *,
    method: str = "POST",
    path: str = TOKEN_PATH,
    credentials: PresentedCredentials | None = BASIC,
    certificate_name: str | None = None,
) -> TokenRequest:
    """Returns a request."""
    return TokenRequest(
        method=method,
        path=path,
        parameters=parameters,
        params_in="body",
        credentials=credentials,
        certificate_name=certificate_name,
    )


def ask(xsuaa: Xsuaa, asked: TokenRequest, *, outcome: GrantOutcome = GrantOutcome.REFUSED) -> SandboxAnswer:
    """Returns the answer to a token request with this outcome."""
    decision = xsuaa.decide(asked)
    assert decision.outcome is outcome
    return decision.answer


def granted(xsuaa: Xsuaa) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the document of a granted request, and the token's claims."""
    answer = ask(xsuaa, request(), outcome=GrantOutcome.GRANTED)
    assert answer.status == 200
    document = json.loads(answer.body)
    return document, jwt.decode(document["access_token"], options={"verify_signature": False})


def test_expires_in_is_a_second_less_than_the_lifetime(xsuaa: Xsuaa) -> None:
    """The reply has UAA's fields; the scope is the application's role."""
    document, claims = granted(xsuaa)
    value = document.pop("access_token")
    assert document == {
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "uaa.resource it-rt-x!b3.ESBMessaging.send",
        "jti": claims["jti"],
    }
    assert claims["exp"] == NOW + 3600
    assert claims["iss"] == "https://x/oauth/token"
    assert jwt.get_unverified_header(value)["jku"] == "https://x/token_keys"
    assert xsuaa.tokens.owner(value) == CLIENT.client_id


@pytest.mark.parametrize(
    ("value", "stated", "lifetime"),
    [("minutes:720", 43199, 43200), ("unlimited", 0, 86400), ("minutes:100000", 5_999_999, 86400)],
)
def test_a_token_is_valid_for_a_day_at_most(xsuaa: Xsuaa, value: str, stated: int, lifetime: int) -> None:
    """No service instance may set a longer lifetime."""
    xsuaa.faults.switch_on("xsuaa.lifetime", value)
    document, claims = granted(xsuaa)
    assert document["expires_in"] == stated
    assert claims["exp"] == NOW + lifetime


@pytest.mark.parametrize("value", ["soon", "missing"])
def test_expires_in_can_be_anything_or_missing(xsuaa: Xsuaa, value: str) -> None:
    """The request is granted all the same."""
    xsuaa.faults.switch_on("xsuaa.expires_in", value)
    assert granted(xsuaa)[0].get("expires_in", "missing") == value


@pytest.mark.parametrize(
    ("asked", "status", "error", "description"),
    [
        (request(credentials=BAD_BASIC), 401, "unauthorized", "Bad credentials"),
        (request(credentials=None), 401, "unauthorized", "Bad credentials"),
        (request(credentials=BAD_BODY), 401, "invalid_client", "Bad client credentials"),
        (request(credentials=CERTIFICATE), 401, "invalid_client", "Bad client credentials"),
        (request({}), 400, "invalid_request", "Missing grant type"),
        (request({"grant_type": "password"}), 401, "invalid_client", "Unauthorized grant type"),
        (request({"grant_type": "magic"}), 400, "unsupported_grant_type", "Unsupported grant type"),
        (request(method="GET"), 405, "method_not_allowed", "Request method 'GET' not supported"),
    ],
)
def test_refusals_have_uaas_texts(xsuaa: Xsuaa, asked: TokenRequest, status: int, error: str, description: str) -> None:
    """Status, code and description are UAA's."""
    answer = ask(xsuaa, asked)
    assert answer.status == status
    assert json.loads(answer.body) == {"error": error, "error_description": description}


def test_only_bad_basic_credentials_are_challenged(xsuaa: Xsuaa) -> None:
    """UAA does not challenge bad ones in the body."""
    challenge = 'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"'
    assert ("WWW-Authenticate", challenge) in ask(xsuaa, request(credentials=BAD_BASIC)).fields
    assert "WWW-Authenticate" not in dict(ask(xsuaa, request(credentials=BAD_BODY)).fields)


def test_only_scopes_of_the_client_are_granted(xsuaa: Xsuaa) -> None:
    """Another scope is an error."""
    ask(xsuaa, request(GRANT | {"scope": "uaa.resource"}), outcome=GrantOutcome.GRANTED)
    answer = ask(xsuaa, request(GRANT | {"scope": "uaa.resource admin"}))
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == "invalid_scope"


def test_keys_and_discovery_are_published(xsuaa: Xsuaa, signing_key: SigningKey) -> None:
    """Discovery lists all methods of client authentication and the endpoint for certificates."""
    assert json.loads(xsuaa.answer_other_path(request(path=KEYS_PATH)).body) == signing_key.key_set()
    assert json.loads(xsuaa.answer_other_path(request(method="GET", path=DISCOVERY_PATH)).body) == {
        "issuer": "https://x/oauth/token",
        "token_endpoint": "https://x/oauth/token",
        "jwks_uri": "https://x/token_keys",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "mtls_endpoint_aliases": {"token_endpoint": "https://x/oauth/token"},
    }


def test_a_post_to_another_path_has_uaas_csrf_text(xsuaa: Xsuaa) -> None:
    """It shows that /oauth/token is missing in the URL."""
    answer = xsuaa.answer_other_path(request(path="/"))
    text = "Could not verify the provided CSRF token because your session was not found."
    assert answer.status == 403
    assert json.loads(answer.body) == {"error": text}
    assert xsuaa.answer_other_path(request(method="GET", path="/")).status == 404
