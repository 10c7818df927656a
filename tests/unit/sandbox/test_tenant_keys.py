"""The tokens' signing key."""

import jwt

from proxy.sandbox.tenant_keys import SigningKey


def test_a_jwt_is_signed_by_the_published_key(signing_key: SigningKey) -> None:
    """By id, algorithm and key set."""
    signed = signing_key.sign({"a": 1}, key_set_url="https://x/token_keys")
    header = jwt.get_unverified_header(signed)
    assert header == {"alg": "RS256", "jku": "https://x/token_keys", "kid": signing_key.key_id, "typ": "JWT"}
    published = jwt.PyJWKSet.from_dict(signing_key.key_set())[signing_key.key_id]
    assert jwt.decode(signed, published, algorithms=["RS256"]) == {"a": 1}


def test_the_key_is_published_as_pem_too(signing_key: SigningKey) -> None:
    """SAP's validator reads it."""
    keys = signing_key.key_set()["keys"]
    assert isinstance(keys, list)
    assert jwt.decode(signing_key.sign({"b": 2}), keys[0]["value"], algorithms=["RS256"]) == {"b": 2}
