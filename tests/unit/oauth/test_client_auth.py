"""Client authentication, as the authorization server reads it."""

import base64
import string
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config.model import AuthMethod, BasicEncoding, OAuthClient
from proxy.oauth.client_auth import ClientAuth, client_auths
from proxy.oauth.grant import GrantRequest, grant_request
from tests.cases import cases
from tests.unit.oauth.registrations import GENERIC, NEO, XSUAA, registration

CLIENT_ID = "sb-1!b2|it-rt-x!b3"
ID_ONLY = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
UNREADABLE = "contains no readable private key"
BASIC = AuthMethod.CLIENT_SECRET_BASIC
SIGNED = AuthMethod.PRIVATE_KEY_JWT
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
each_secret = cases(
    "secret",
    pytest.param(string.printable[:94], id="every printable character"),
    " leading and trailing ",
    "a:b:c",
    "a+b",
    "100%25%",
    "Jörg€",
    "9b1a$Xy-_z=",
)


def auths_of(client: OAuthClient) -> tuple[ClientAuth, ...]:
    """The client's methods, with a fixed time and fixed ids."""
    return client_auths(client, wall=lambda: 1_800_000_000.7, new_id=iter(["id-1", "id-2", "id-3"]).__next__)


def amended(preset: dict[str, Any] = XSUAA, **changes: Any) -> GrantRequest:
    """The request of such an OAuth client as it is sent."""
    client = registration(preset, **changes)
    return auths_of(client)[0].amend(grant_request(client))


def basic_pair(request: GrantRequest) -> tuple[str, str]:
    """Read Basic as a server does: split at the first colon (RFC 7617 §2)."""
    scheme, _, value = dict(request.fields)["Authorization"].partition(" ")
    assert scheme == "Basic"
    name, _, password = base64.b64decode(value).decode().partition(":")
    return name, password


def form_of(request: GrantRequest) -> dict[str, str]:
    """Read the body as a server does."""
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def pem_of(key: Any, password: bytes | None = None) -> str:
    """Write a private key."""
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode())


@each_secret
def test_basic_raw_carries_the_secret_as_it_is(secret: str) -> None:
    """Neo and XSUAA do not decode."""
    request = amended(NEO, client_secret=SecretStr(secret))
    assert basic_pair(request) == (CLIENT_ID, secret)
    assert request.form == ()
    assert "X-CF-ENCODED-CREDENTIALS" not in dict(request.fields)


@each_secret
def test_basic_urlencoded_carries_the_secret_form_encoded(secret: str) -> None:
    """A strict server decodes both parts after the split (RFC 6749 §2.3.1)."""
    request = amended(GENERIC, client_secret=SecretStr(secret), client_id="a:b c+d")
    assert tuple(map(unquote_plus, basic_pair(request))) == ("a:b c+d", secret)
    assert "X-CF-ENCODED-CREDENTIALS" not in dict(request.fields)


@each_secret
def test_post_carries_the_secret_in_the_body(secret: str) -> None:
    """There is no Authorization."""
    request = amended(XSUAA, client_secret=SecretStr(secret))
    assert form_of(request) == {**ID_ONLY, "client_secret": secret}
    assert "Authorization" not in dict(request.fields)


def test_basic_urlencoded_is_announced_to_xsuaa() -> None:
    """UAA decodes only if a field asks for it."""
    request = amended(
        token_endpoint_auth_method=BASIC, basic_encoding=BasicEncoding.URLENCODED, client_secret=SecretStr("a+b")
    )
    assert dict(request.fields)["X-CF-ENCODED-CREDENTIALS"] == "true"
    assert basic_pair(request) == ("sb-1%21b2%7Cit-rt-x%21b3", "a%2Bb")


@given(secret=st.text(min_size=1, max_size=20), name=st.text(min_size=1, max_size=20))
def test_any_credentials_survive_urlencoded_basic(secret: str, name: str) -> None:
    """Every text that UTF-8 can encode is read as it was written."""
    secret, name = (each.encode("utf-8", "replace").decode() for each in (secret, name))
    client = registration(GENERIC).model_copy(update={"client_secret": SecretStr(secret), "client_id": name})
    (auth,) = auths_of(client)
    assert tuple(map(unquote_plus, basic_pair(auth.amend(grant_request(client))))) == (name, secret)


@cases("method", AuthMethod.TLS_CLIENT_AUTH, AuthMethod.NONE)
def test_a_client_without_a_secret_sends_only_its_id(method: AuthMethod) -> None:
    """Its certificate, if any, is the credential."""
    request = amended(token_endpoint_auth_method=method)
    assert form_of(request) == ID_ONLY
    assert "Authorization" not in dict(request.fields)


@cases("key, algorithm", {"RSA": (RSA_KEY, "RS256"), "P-256": (ec.generate_private_key(ec.SECP256R1()), "ES256")})
@cases("line_end", "\n", "\\n")
def test_an_assertion_proves_the_key(key: Any, algorithm: str, line_end: str) -> None:
    """The server can verify signature, audience and claims (RFC 7523 §3)."""
    pem = pem_of(key).replace("\n", line_end)
    form = form_of(
        amended(
            token_endpoint_auth_method=SIGNED, client_secret=None, private_key=SecretStr(pem), private_key_id="key-7"
        )
    )
    assertion = form.pop("client_assertion")
    assert form == {**ID_ONLY, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "typ": "JWT", "kid": "key-7"}
    audience = registration().token_url
    options: Any = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(assertion, key.public_key(), algorithms=[algorithm], audience=audience, options=options) == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": audience,
        "jti": "id-1",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
    }


def test_each_assertion_is_new_and_names_the_configured_audience() -> None:
    """Without a key id there is no `kid`."""
    client = registration(
        token_endpoint_auth_method=SIGNED,
        private_key=SecretStr(pem_of(RSA_KEY)),
        assertion_audience="https://issuer.example",
    )
    (auth,) = auths_of(client)
    assertions = [form_of(auth.amend(grant_request(client)))["client_assertion"] for _ in range(2)]
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in assertions]
    assert [each["jti"] for each in claims] == ["id-1", "id-2"]
    assert [each["aud"] for each in claims] == ["https://issuer.example"] * 2
    assert "kid" not in jwt.get_unverified_header(assertions[0])


@cases(
    "pem, message",
    {
        "Ed25519": (pem_of(ed25519.Ed25519PrivateKey.generate()), "contains a key of another kind"),
        "P-384": (pem_of(ec.generate_private_key(ec.SECP384R1())), "contains a key of another kind"),
        "encrypted": (pem_of(RSA_KEY, b"x"), UNREADABLE),
        "not PEM": ("canary", UNREADABLE),
    },
)
def test_a_key_that_cannot_sign_is_refused(pem: str, message: str) -> None:
    """The key is not shown."""
    with pytest.raises(ValueError, match=f"^OAuth client orders: private_key {message}") as caught:
        auths_of(registration(token_endpoint_auth_method=SIGNED, private_key=SecretStr(pem)))
    assert "canary" not in str(caught.value)


@cases(
    "method, message",
    (BASIC, "client_secret_basic needs client_secret or client_secret_file"),
    (AuthMethod.CLIENT_SECRET_POST, "client_secret_post needs client_secret or client_secret_file"),
    (SIGNED, "private_key_jwt needs private_key or private_key_file"),
)
def test_a_missing_credential_is_named(method: AuthMethod, message: str) -> None:
    """With the options that can set it."""
    with pytest.raises(ValueError, match=message):
        auths_of(registration(token_endpoint_auth_method=method, client_secret=None))


@cases("preset", NEO, XSUAA)
def test_the_next_secret_is_tried_second(preset: dict[str, Any]) -> None:
    """In the same grant."""
    one, two = ({"client_secret": SecretStr(each)} for each in ("one", "two"))
    both = registration(preset, **one, client_secret_next=SecretStr("two"))
    assert auths_of(both) == (*auths_of(registration(preset, **one)), *auths_of(registration(preset, **two)))


@cases(
    "client",
    registration(NEO, client_secret=SecretStr("canary")),
    registration(XSUAA, client_secret=SecretStr("canary")),
    registration(token_endpoint_auth_method=SIGNED, private_key=SecretStr(pem_of(RSA_KEY))),
)
def test_no_repr_shows_a_secret(client: OAuthClient) -> None:
    """Nor do its requests."""
    (auth,) = auths_of(client)
    text = repr(auth) + repr(auth.amend(grant_request(client)))
    assert "canary" not in text
    assert "PRIVATE" not in text


@cases(
    "encoding, client_id, secret, hint",
    ("raw", "id", "a+b", "or try basic_encoding: urlencoded, because id or secret contain + or %"),
    ("raw", "i%d", "ab", "or try basic_encoding: urlencoded, because id or secret contain + or %"),
    ("raw", CLIENT_ID, "a$b=", ""),
    ("urlencoded", "id", "a$b=", "or try basic_encoding: raw, because many servers do not decode"),
    ("urlencoded", "id", "ab", ""),
)
def test_the_other_encoding_is_the_hint_if_servers_read_the_credentials_differently(
    encoding: str, client_id: str, secret: str, hint: str
) -> None:
    """Servers follow RFC 6749 §2.3.1 or RFC 7617."""
    changes: dict[str, Any] = {"token_endpoint_auth_method": BASIC, "basic_encoding": BasicEncoding(encoding)}
    assert amended(client_id=client_id, client_secret=SecretStr(secret), **changes).hint == hint
