"""XSUAA's decisions."""

import json

import jwt
import pytest

from proxy.config.choices import AuthMethod
from proxy.sandbox.grants import GrantContext, TokenRequest
from proxy.sandbox.xsuaa import DISCOVERY_PATH, KEYS_PATH, Xsuaa
from tests.cases import cases, grouped_cases
from tests.unit.sandbox.token_requests import CLIENT, GRANT, NOW, claims_of, granted, presented, refused, token_request

BAD_BASIC = presented("no", AuthMethod.CLIENT_SECRET_BASIC)
BAD_BODY = presented("no", AuthMethod.CLIENT_SECRET_POST)
CERTIFICATE = presented("", AuthMethod.TLS_CLIENT_AUTH)


@pytest.fixture
def xsuaa(context: GrantContext) -> Xsuaa:
    """With one OAuth client."""
    return Xsuaa(context)


def test_expires_in_is_a_second_less_than_the_lifetime(xsuaa: Xsuaa, context: GrantContext) -> None:
    """Its scope is the role."""
    document = granted(xsuaa)
    claims = claims_of(document)
    value = document.pop("access_token")
    assert document == {
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "uaa.resource it-rt-x!b3.ESBMessaging.send",
        "jti": claims["jti"],
    }
    assert claims["exp"] == NOW + 3600
    assert claims["iss"] == "https://as/oauth/token"
    assert jwt.get_unverified_header(value)["jku"] == "https://as/token_keys"
    assert context.tokens.owner(value) == CLIENT.client_id


@cases(
    "value, stated, lifetime",
    ("minutes:720", 43199, 43200),
    ("unlimited", 0, 86400),
    ("minutes:100000", 5_999_999, 86400),
)
def test_a_token_is_valid_for_a_day_at_most(
    xsuaa: Xsuaa, context: GrantContext, value: str, stated: int, lifetime: int
) -> None:
    """For any service instance."""
    context.faults.switch_on("xsuaa.lifetime", value)
    document = granted(xsuaa)
    assert document["expires_in"] == stated
    assert claims_of(document)["exp"] == NOW + lifetime


@cases("value", "soon", "missing")
def test_expires_in_can_be_anything_or_missing(xsuaa: Xsuaa, context: GrantContext, value: str) -> None:
    """It is granted."""
    context.faults.switch_on("xsuaa.expires_in", value)
    assert granted(xsuaa).get("expires_in", "missing") == value


@grouped_cases(
    "status, error, description, asked",
    (401, "unauthorized", "Bad credentials", [token_request(credentials=BAD_BASIC), token_request(credentials=None)]),
    (
        401,
        "invalid_client",
        "Bad client credentials",
        [token_request(credentials=BAD_BODY), token_request(credentials=CERTIFICATE)],
    ),
    (400, "invalid_request", "Missing grant type", [token_request({})]),
    (401, "invalid_client", "Unauthorized grant type", [token_request({"grant_type": "password"})]),
    (400, "unsupported_grant_type", "Unsupported grant type", [token_request({"grant_type": "magic"})]),
    (405, "method_not_allowed", "Request method 'GET' not supported", [token_request(method="GET")]),
)
def test_refusals_have_uaas_texts(xsuaa: Xsuaa, asked: TokenRequest, status: int, error: str, description: str) -> None:
    """With status and code."""
    assert json.loads(refused(xsuaa, asked, status).body) == {"error": error, "error_description": description}


def test_only_bad_basic_credentials_are_challenged(xsuaa: Xsuaa) -> None:
    """Not those in the body."""
    challenge = 'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"'
    assert ("WWW-Authenticate", challenge) in refused(xsuaa, token_request(credentials=BAD_BASIC), 401).fields
    assert "WWW-Authenticate" not in dict(refused(xsuaa, token_request(credentials=BAD_BODY), 401).fields)


def test_only_scopes_of_the_client_are_granted(xsuaa: Xsuaa) -> None:
    """Others are errors."""
    granted(xsuaa, scope="uaa.resource")
    answer = refused(xsuaa, token_request(GRANT | {"scope": "uaa.resource admin"}), 400)
    assert json.loads(answer.body)["error"] == "invalid_scope"


def test_keys_and_discovery_are_published(xsuaa: Xsuaa, context: GrantContext) -> None:
    """With all authentication methods."""
    assert json.loads(xsuaa.answer_other_path(token_request(path=KEYS_PATH)).body) == context.key.key_set()
    assert json.loads(xsuaa.answer_other_path(token_request(method="GET", path=DISCOVERY_PATH)).body) == {
        "issuer": "https://as/oauth/token",
        "token_endpoint": "https://as/oauth/token",
        "jwks_uri": "https://as/token_keys",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "mtls_endpoint_aliases": {"token_endpoint": "https://as/oauth/token"},
    }


def test_a_post_to_another_path_has_uaas_csrf_text(xsuaa: Xsuaa) -> None:
    """It tells that /oauth/token is missing."""
    answer = xsuaa.answer_other_path(token_request(path="/"))
    text = "Could not verify the provided CSRF token because your session was not found."
    assert answer.status == 403
    assert json.loads(answer.body) == {"error": text}
    assert xsuaa.answer_other_path(token_request(method="GET", path="/")).status == 404
