"""Tokens, their claims and their end."""

import jwt
import pytest

from proxy.sandbox.registration import RegisteredClient
from proxy.sandbox.tokens import (
    UNLIMITED,
    AccessToken,
    IssuedTokens,
    SigningKey,
    granted_scopes,
    neo_claims,
    xsuaa_claims,
)

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-sandbox!b5678", secret="s")
ROLELESS = RegisteredClient(client_id="sb-1!b2|it-rt-sandbox!b5678", secret="s", roles=frozenset())


def token(value: str, *, client_id: str = "a", expires_at: float = 100.0) -> AccessToken:
    """A token."""
    return AccessToken(value=value, client_id=client_id, roles=frozenset(), expires_at=expires_at)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """One key is enough."""
    return SigningKey()


def test_a_token_is_good_until_it_expires() -> None:
    """In the second of its expiry it is not."""
    ledger = IssuedTokens()
    ledger.enter(token("x"))
    assert ledger.find("x", now=99.9) == token("x")
    assert ledger.find("x", now=100.0) is None
    assert ledger.find("y", now=0.0) is None


def test_an_unlimited_token_never_expires() -> None:
    """Its end is infinitely far."""
    ledger = IssuedTokens()
    ledger.enter(token("x", expires_at=UNLIMITED))
    assert ledger.find("x", now=1e12) is not None


def test_voiding_one_clients_tokens_spares_the_others() -> None:
    """The owner stays known all the same."""
    ledger = IssuedTokens()
    for one in (token("x"), token("y", client_id="b")):
        ledger.enter(one)
    ledger.void("a")
    assert (ledger.find("x", now=0.0), ledger.find("y", now=0.0)) == (None, token("y", client_id="b"))
    assert (ledger.owner("x"), ledger.owner("z")) == ("a", None)


def test_expiring_all_leaves_none() -> None:
    """Nobody's token is good afterwards."""
    ledger = IssuedTokens()
    ledger.enter(token("x"))
    ledger.expire_all()
    assert ledger.find("x", now=0.0) is None


def test_the_ledger_forgets_the_oldest_of_very_many() -> None:
    """Its memory is bounded."""
    ledger = IssuedTokens()
    for number in range(10_001):
        ledger.enter(token(str(number)))
    assert (ledger.find("0", now=0.0), ledger.owner("0")) == (None, None)
    assert ledger.find("1", now=0.0) == token("1")


def test_a_jwt_is_signed_by_the_published_key(key: SigningKey) -> None:
    """Key id, algorithm and key set fit together."""
    signed = key.sign({"a": 1}, key_set_url="https://x/token_keys")
    header = jwt.get_unverified_header(signed)
    assert header == {"alg": "RS256", "jku": "https://x/token_keys", "kid": key.key_id, "typ": "JWT"}
    published = jwt.PyJWKSet.from_dict(key.key_set())[key.key_id]
    assert jwt.decode(signed, published, algorithms=["RS256"]) == {"a": 1}


def test_a_published_key_stands_there_as_pem_too(key: SigningKey) -> None:
    """SAP's validator reads `value` only."""
    keys = key.key_set()["keys"]
    assert isinstance(keys, list)
    assert jwt.decode(key.sign({"b": 2}), keys[0]["value"], algorithms=["RS256"]) == {"b": 2}


def test_neos_claims_name_the_user_that_has_the_role() -> None:
    """The user is oauth_client_ and the id."""
    claims = neo_claims(CLIENT, issuer="https://n", token_id="j", issued=1, expires=2)
    assert claims["sub"] == f"oauth_client_{CLIENT.client_id}"
    assert (claims["iss"], claims["jti"], claims["iat"], claims["exp"]) == ("https://n", "j", 1, 2)


def test_xsuaas_claims_have_the_role_under_the_applications_name() -> None:
    """The audience is the application, the client id stands in three places."""
    claims = xsuaa_claims(CLIENT, issuer="https://x/oauth/token", token_id="j", issued=1, expires=2)
    scopes = ["uaa.resource", "it-rt-sandbox!b5678.ESBMessaging.send"]
    assert claims["scope"] == claims["authorities"] == granted_scopes(CLIENT) == scopes
    assert claims["cid"] == claims["azp"] == claims["client_id"] == claims["sub"] == CLIENT.client_id
    assert claims["aud"] == ["uaa", CLIENT.client_id, "it-rt-sandbox!b5678"]
    assert (claims["grant_type"], claims["zid"]) == ("client_credentials", "64500527-05be-549a-a9af-82083744f8dd")


def test_xsuaas_claims_of_a_client_without_role_have_no_scope_of_the_application() -> None:
    """Neither is the application its audience."""
    claims = xsuaa_claims(ROLELESS, issuer="i", token_id="j", issued=1, expires=2)
    assert (claims["scope"], claims["aud"]) == (["uaa.resource"], ["uaa", CLIENT.client_id])
