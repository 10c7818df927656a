"""Service keys."""

from proxy.sandbox.certificates import Identity
from proxy.sandbox.registration import RegisteredClient
from proxy.sandbox.service_key import certificate_key, secret_key

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=")


def test_a_secret_key_is_nested_as_saps_is() -> None:
    """Url is the runtime node, tokenurl is XSUAA."""
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
    """Certificate and key stand in its place."""
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
