"""Access tokens."""

import pytest

from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.tokens import UNLIMITED, AccessToken, IssuedTokens, granted_scopes, neo_claims, xsuaa_claims

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-sandbox!b5678", secret="s")
ROLELESS = RegisteredClient(client_id="sb-1!b2|it-rt-sandbox!b5678", secret="s", roles=frozenset())


def token(value: str, *, client_id: str = "a", expires_at: float = 100.0) -> AccessToken:
    """A token."""
    return AccessToken(value=value, client_id=client_id, roles=frozenset(), expires_at=expires_at)


@pytest.fixture
def tokens() -> IssuedTokens:
    """With one, x."""
    issued = IssuedTokens()
    issued.add(token("x"))
    return issued


def test_a_token_is_valid_until_it_expires(tokens: IssuedTokens) -> None:
    """Not in that second."""
    assert tokens.find("x", now=99.9) == token("x")
    assert tokens.find("x", now=100.0) is None
    assert tokens.find("y", now=0.0) is None


def test_an_unlimited_token_never_expires(tokens: IssuedTokens) -> None:
    """By infinity."""
    tokens.add(token("u", expires_at=UNLIMITED))
    assert tokens.find("u", now=1e12) is not None


def test_one_clients_tokens_can_be_revoked(tokens: IssuedTokens) -> None:
    """The owner stays known."""
    tokens.add(token("y", client_id="b"))
    tokens.revoke("a")
    assert tokens.find("x", now=0.0) is None
    assert tokens.find("y", now=0.0) == token("y", client_id="b")
    assert tokens.owner("x") == "a"
    assert tokens.owner("z") is None


def test_all_tokens_can_be_revoked(tokens: IssuedTokens) -> None:
    """None stays valid."""
    tokens.revoke_all()
    assert tokens.find("x", now=0.0) is None


def test_the_oldest_of_10_001_tokens_is_forgotten(tokens: IssuedTokens) -> None:
    """Memory is bounded."""
    for number in range(10_000):
        tokens.add(token(str(number)))
    assert tokens.find("x", now=0.0) is None
    assert tokens.owner("x") is None
    assert tokens.find("0", now=0.0) == token("0")


def test_neos_claims_name_the_user_that_has_the_role() -> None:
    """`oauth_client_` and the id."""
    assert neo_claims(CLIENT, issuer="https://n", token_id="j", issued=1, expires=2) == {
        "iss": "https://n",
        "sub": f"oauth_client_{CLIENT.client_id}",
        "client_id": CLIENT.client_id,
        "jti": "j",
        "scope": "",
        "iat": 1,
        "exp": 2,
    }


def test_xsuaas_claims_contain_the_role_after_the_applications_name() -> None:
    """The client id four times."""
    claims = xsuaa_claims(CLIENT, issuer="https://x/oauth/token", token_id="j", issued=1, expires=2)
    scopes = ["uaa.resource", "it-rt-sandbox!b5678.ESBMessaging.send"]
    assert claims["scope"] == claims["authorities"] == granted_scopes(CLIENT) == scopes
    assert claims["cid"] == claims["azp"] == claims["client_id"] == claims["sub"] == CLIENT.client_id
    assert claims["aud"] == ["uaa", CLIENT.client_id, "it-rt-sandbox!b5678"]
    assert claims["grant_type"] == "client_credentials"
    assert claims["zid"] == "64500527-05be-549a-a9af-82083744f8dd"


def test_without_a_role_the_application_is_not_an_audience() -> None:
    """Nor has a scope."""
    claims = xsuaa_claims(ROLELESS, issuer="i", token_id="j", issued=1, expires=2)
    assert claims["scope"] == ["uaa.resource"]
    assert claims["aud"] == ["uaa", CLIENT.client_id]
