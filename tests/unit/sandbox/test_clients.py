"""OAuth clients and their service keys."""

import re

from proxy.sandbox.certificate_authority import Identity
from proxy.sandbox.clients import (
    RegisteredClient,
    certificate_key,
    make_btp_client,
    make_neo_client,
    make_roleless_client,
    secret_key,
)

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=")


def test_a_btp_client_looks_like_that_of_a_service_key() -> None:
    """And breaks encodings."""
    client = make_btp_client()
    assert re.fullmatch(r"sb-[0-9a-f-]{36}!b1234\|it-rt-sandbox!b5678", client.client_id)
    assert re.fullmatch(r"[0-9a-f-]{36}\$[A-Za-z0-9_-]{43}=", client.secret)
    assert client.client_id != make_btp_client().client_id


def test_a_neo_client_has_the_given_secret_or_a_random_one() -> None:
    """Different each time."""
    assert make_neo_client("given").secret == "given"
    assert make_neo_client(None).secret != make_neo_client(None).secret


def test_one_client_has_no_role() -> None:
    """For the 403."""
    assert make_roleless_client().roles == frozenset()


def test_a_secret_key_is_nested_as_saps_is() -> None:
    """With the runtime's URL."""
    assert secret_key(CLIENT, url="https://r", token_url="https://x/oauth/token", created=0.5) == {
        "oauth": {
            "clientid": "sb-1!b2|it-rt-x!b3",
            "clientsecret": "a$b=",
            "url": "https://r",
            "createdate": "1970-01-01T00:00:00.500Z",
            "tokenurl": "https://x/oauth/token",
        }
    }


def test_a_certificate_key_has_no_secret() -> None:
    """But certificate and private key."""
    identity = Identity(certificate="C", private_key="K")
    assert certificate_key(CLIENT, identity, url="https://r", token_url="https://x") == {
        "oauth": {
            "clientid": "sb-1!b2|it-rt-x!b3",
            "certificate": "C",
            "key": "K",
            "url": "https://r",
            "tokenurl": "https://x",
        }
    }
