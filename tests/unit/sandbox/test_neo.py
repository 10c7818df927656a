"""Neo's authorization server."""

import json
import re

import pytest

from proxy.config.choices import AuthMethod
from proxy.sandbox.authentication import PresentedCredentials
from proxy.sandbox.faults import read_switch
from proxy.sandbox.grants import GrantContext
from proxy.sandbox.neo import Neo
from tests.cases import cases
from tests.unit.sandbox.token_requests import CLIENT, NOW, claims_of, granted, presented, refused, token_request


@pytest.fixture
def neo(context: GrantContext) -> Neo:
    """With one OAuth client."""
    return Neo(context)


def test_an_opaque_token_has_32_hexadecimal_digits_and_is_valid_for_an_hour(neo: Neo, context: GrantContext) -> None:
    """As in SAP's blog."""
    document = granted(neo)
    value = document.pop("access_token")
    assert re.fullmatch(r"[0-9a-f]{32}", value)
    assert document == {"token_type": "Bearer", "expires_in": 3600, "scope": ""}
    assert context.tokens.find(value, now=NOW + 3599) is not None
    assert context.tokens.find(value, now=NOW + 3600) is None


@cases("token_format", "jwt", "jwtrfc")
def test_a_jwt_is_issued_on_request(neo: Neo, context: GrantContext, token_format: str) -> None:
    """For `oauth_client_` and the id."""
    document = granted(neo, token_format=token_format)
    claims = claims_of(document)
    assert claims["sub"] == "oauth_client_" + CLIENT.client_id
    assert claims["iss"] == "https://as"
    assert claims["exp"] == NOW + 3600
    assert context.tokens.owner(document["access_token"]) == CLIENT.client_id


def test_a_jwt_is_valid_for_12_hours_at_most(neo: Neo, context: GrantContext) -> None:
    """Even if the client's is longer."""
    context.faults.switch_on("neo.lifetime", "minutes:100000")
    assert claims_of(granted(neo, token_format="jwt"))["exp"] == NOW + 12 * 3600


def test_an_unlimited_token_revokes_the_one_before(neo: Neo, context: GrantContext) -> None:
    """By `expires_in` 0."""
    context.faults.switch_on("neo.lifetime", "unlimited")
    first, second = granted(neo), granted(neo)
    assert first["expires_in"] == 0
    assert context.tokens.find(first["access_token"], now=NOW) is None
    assert context.tokens.find(second["access_token"], now=NOW + 1e9) is not None


def test_a_limited_token_does_not_revoke_the_one_before(neo: Neo, context: GrantContext) -> None:
    """Both are valid."""
    first, _ = granted(neo), granted(neo)
    assert context.tokens.find(first["access_token"], now=NOW) is not None


def test_there_are_two_reply_styles(neo: Neo, context: GrantContext) -> None:
    """By default A, as in SAP's blog."""
    context.faults.switch_on("neo.reply_style", "B", count=1)
    document = granted(neo)
    assert document.keys() == {"access_token", "token_type", "expires_in", "scopes"}
    assert document["expires_in"] == 0
    assert document["scopes"] == []
    context.faults.switch_on("neo.reply_style", "A", count=1)
    assert granted(neo)["scope"] == ""


@cases("value", 0, "3600", None, -5, "missing")
def test_expires_in_can_be_anything_or_missing(neo: Neo, context: GrantContext, value: float | str | None) -> None:
    """It is granted."""
    context.faults.put(read_switch("neo.expires_in", {"value": value}))
    assert granted(neo).get("expires_in", "missing") == value


@cases(
    "credentials",
    None,
    presented("wrong", AuthMethod.CLIENT_SECRET_BASIC),
    presented(CLIENT.secret, AuthMethod.CLIENT_SECRET_POST),
    presented("", AuthMethod.TLS_CLIENT_AUTH),
)
def test_only_the_right_secret_in_a_basic_field_is_accepted(neo: Neo, credentials: PresentedCredentials | None) -> None:
    """Else there is a challenge."""
    answer = refused(neo, token_request(credentials=credentials), 401)
    assert json.loads(answer.body)["error"] == "invalid_client"
    assert [name for name, _ in answer.fields].count("WWW-Authenticate") == 1


@cases("parameters, error", ({}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type"))
def test_the_grant_must_be_client_credentials(neo: Neo, parameters: dict[str, str], error: str) -> None:
    """By RFC 6749 §5.2."""
    assert json.loads(refused(neo, token_request(parameters), 400).body)["error"] == error


def test_only_post_is_allowed(neo: Neo) -> None:
    """The answer names it."""
    assert ("Allow", "POST") in refused(neo, token_request(method="GET"), 405).fields
