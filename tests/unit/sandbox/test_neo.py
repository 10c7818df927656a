"""The decisions of Neo's authorization server."""

import json
import re
from typing import Any

import jwt
import pytest

from proxy.clock import Clock
from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.authentication import ClientRegistry, PresentedCredentials
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.faults import Faults, read_switch
from proxy.sandbox.grants import GrantOutcome, TokenRequest
from proxy.sandbox.keys import SigningKey
from proxy.sandbox.neo import TOKEN_PATH, Neo
from proxy.sandbox.tokens import IssuedTokens

CLIENT = RegisteredClient(client_id="a", secret="s")
NOW = 1_000_000
GRANT = {"grant_type": "client_credentials"}


def presented(secret: str, method: AuthMethod) -> PresentedCredentials:
    """Returns credentials of the client."""
    return PresentedCredentials(client_id="a", secret=secret, method=method)


BASIC = presented("s", AuthMethod.CLIENT_SECRET_BASIC)


@pytest.fixture
def neo(signing_key: SigningKey, clock: Clock) -> Neo:
    """A server with one OAuth client."""
    return Neo(
        url="https://neo",
        registry=ClientRegistry([CLIENT]),
        tokens=IssuedTokens(),
        key=signing_key,
        faults=Faults(),
        clock=clock,
    )


def ask(
    neo: Neo,
    *,
    method: str = "POST",
    credentials: PresentedCredentials | None = BASIC,
    parameters: dict[str, str] = GRANT,
    outcome: GrantOutcome = GrantOutcome.REFUSED,
) -> SandboxAnswer:
    """Returns the answer to a token request with this outcome."""
    decision = neo.decide(
        TokenRequest(method=method, path=TOKEN_PATH, parameters=parameters, params_in="query", credentials=credentials)
    )
    assert decision.outcome is outcome
    return decision.answer


def granted(neo: Neo, **parameters: str) -> dict[str, Any]:
    """Returns the document of a granted request."""
    answer = ask(neo, parameters=GRANT | parameters, outcome=GrantOutcome.GRANTED)
    assert answer.status == 200
    assert ("Cache-Control", "no-store") in answer.fields
    document: dict[str, Any] = json.loads(answer.body)
    return document


def claims_of(token: str) -> dict[str, Any]:
    """Returns the claims without verifying them."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_an_opaque_token_has_32_hexadecimal_digits_and_is_valid_for_an_hour(neo: Neo) -> None:
    """The reply has the fields of SAP's blog."""
    document = granted(neo)
    value = document.pop("access_token")
    assert re.fullmatch(r"[0-9a-f]{32}", value)
    assert document == {"token_type": "Bearer", "expires_in": 3600, "scope": ""}
    assert neo.tokens.find(value, now=NOW + 3599) is not None
    assert neo.tokens.find(value, now=NOW + 3600) is None


@pytest.mark.parametrize("token_format", ["jwt", "jwtrfc"])
def test_a_jwt_is_issued_on_request(neo: Neo, token_format: str) -> None:
    """Its user is `oauth_client_` and the id."""
    value = granted(neo, token_format=token_format)["access_token"]
    claims = claims_of(value)
    assert claims["sub"] == "oauth_client_a"
    assert claims["iss"] == "https://neo"
    assert claims["exp"] == NOW + 3600
    assert neo.tokens.owner(value) == "a"


def test_a_jwt_is_valid_for_12_hours_at_most(neo: Neo) -> None:
    """The lifetime of the OAuth client is longer."""
    neo.faults.switch_on("neo.lifetime", "minutes:100000")
    assert claims_of(granted(neo, token_format="jwt")["access_token"])["exp"] == NOW + 12 * 3600


def test_an_unlimited_token_revokes_the_one_before(neo: Neo) -> None:
    """Its `expires_in` is 0."""
    neo.faults.switch_on("neo.lifetime", "unlimited")
    first, second = granted(neo), granted(neo)
    assert first["expires_in"] == 0
    assert neo.tokens.find(first["access_token"], now=NOW) is None
    assert neo.tokens.find(second["access_token"], now=NOW + 1e9) is not None


def test_a_limited_token_does_not_revoke_the_one_before(neo: Neo) -> None:
    """Both are valid."""
    first, _ = granted(neo), granted(neo)
    assert neo.tokens.find(first["access_token"], now=NOW) is not None


def test_there_are_two_reply_styles(neo: Neo) -> None:
    """A is that of SAP's blog and the default, B that of SAP's help."""
    neo.faults.switch_on("neo.reply_style", "B", count=1)
    document = granted(neo)
    assert document.keys() == {"access_token", "token_type", "expires_in", "scopes"}
    assert document["expires_in"] == 0
    assert document["scopes"] == []
    neo.faults.switch_on("neo.reply_style", "A", count=1)
    assert granted(neo)["scope"] == ""


@pytest.mark.parametrize("value", [0, "3600", None, -5, "missing"])
def test_expires_in_can_be_anything_or_missing(neo: Neo, value: float | str | None) -> None:
    """The request is granted all the same."""
    neo.faults.put(read_switch("neo.expires_in", {"value": value}))
    assert granted(neo).get("expires_in", "missing") == value


@pytest.mark.parametrize(
    "credentials",
    [
        None,
        presented("wrong", AuthMethod.CLIENT_SECRET_BASIC),
        presented("s", AuthMethod.CLIENT_SECRET_POST),
        presented("", AuthMethod.TLS_CLIENT_AUTH),
    ],
)
def test_only_the_right_secret_in_a_basic_field_is_accepted(neo: Neo, credentials: PresentedCredentials | None) -> None:
    """All other credentials are refused with a challenge."""
    answer = ask(neo, credentials=credentials)
    assert answer.status == 401
    assert json.loads(answer.body)["error"] == "invalid_client"
    assert [name for name, _ in answer.fields].count("WWW-Authenticate") == 1


@pytest.mark.parametrize(
    ("parameters", "error"),
    [({}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type")],
)
def test_the_grant_must_be_client_credentials(neo: Neo, parameters: dict[str, str], error: str) -> None:
    """The error is that of RFC 6749 §5.2."""
    answer = ask(neo, parameters=parameters)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == error


def test_only_post_is_allowed(neo: Neo) -> None:
    """The answer names it."""
    answer = ask(neo, method="GET")
    assert answer.status == 405
    assert ("Allow", "POST") in answer.fields
