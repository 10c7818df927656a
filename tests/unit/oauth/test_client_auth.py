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
from tests.unit.oauth.registrations import GENERIC, NEO, XSUAA, registration

WALL = 1_800_000_000.7
SECRETS = [
    pytest.param(string.printable[:94], id="every printable letter"),
    pytest.param(" leading and trailing ", id="spaces"),
    pytest.param("a:b:c", id="colons"),
    pytest.param("a+b", id="plus"),
    pytest.param("100%25%", id="percent"),
    pytest.param("Jörg€", id="umlaut and euro"),
    pytest.param("9b1a$Xy-_z=", id="as XSUAA makes them"),
]


def auths_of(client: OAuthClient) -> tuple[ClientAuth, ...]:
    """Make the client's ways to authenticate, with a fixed time and id."""
    return client_auths(client, wall=lambda: WALL, new_id=iter(["id-1", "id-2", "id-3"]).__next__)


def amended(client: OAuthClient) -> GrantRequest:
    """Return the request as it goes out."""
    return auths_of(client)[0].amend(grant_request(client))


def basic_pair(request: GrantRequest) -> tuple[str, str]:
    """Read Basic as a server does: at the first colon (RFC 7617 §2)."""
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


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("secret", SECRETS)
def test_basic_raw_carries_the_secret_as_it_is(secret: str) -> None:
    """Neo and XSUAA read id and secret undecoded; nothing of them is in the body."""
    request = amended(registration(NEO, client_secret=SecretStr(secret)))
    assert basic_pair(request) == ("sb-1!b2|it-rt-x!b3", secret)
    assert (request.form, "X-CF-ENCODED-CREDENTIALS" in dict(request.fields)) == ((), False)


@pytest.mark.parametrize("secret", SECRETS)
def test_basic_urlencoded_carries_the_secret_form_encoded(secret: str) -> None:
    """A strict server decodes both parts after the split (RFC 6749 §2.3.1)."""
    request = amended(registration(GENERIC, client_secret=SecretStr(secret), client_id="a:b c+d"))
    name, password = basic_pair(request)
    assert (unquote_plus(name), unquote_plus(password)) == ("a:b c+d", secret)
    assert "X-CF-ENCODED-CREDENTIALS" not in dict(request.fields)


@pytest.mark.parametrize("secret", SECRETS)
def test_post_carries_the_secret_in_the_body(secret: str) -> None:
    """Id and secret are parameters; there is no Authorization."""
    request = amended(registration(XSUAA, client_secret=SecretStr(secret)))
    assert form_of(request) == {
        "grant_type": "client_credentials",
        "client_id": "sb-1!b2|it-rt-x!b3",
        "client_secret": secret,
    }
    assert "Authorization" not in dict(request.fields)


def test_basic_urlencoded_at_xsuaa_says_so() -> None:
    """UAA decodes only where the field asks for it."""
    client = registration(
        XSUAA,
        token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_BASIC,
        basic_encoding=BasicEncoding.URLENCODED,
        client_secret=SecretStr("a+b"),
    )
    request = amended(client)
    assert dict(request.fields)["X-CF-ENCODED-CREDENTIALS"] == "true"
    assert basic_pair(request)[1] == "a%2Bb"


@given(secret=st.text(min_size=1, max_size=20), name=st.text(min_size=1, max_size=20))
def test_any_credentials_survive_urlencoded_basic(secret: str, name: str) -> None:
    """For all texts that UTF-8 can carry."""
    clean_secret, clean_name = (each.encode("utf-8", "replace").decode() for each in (secret, name))
    client = registration(GENERIC).model_copy(
        update={"client_secret": SecretStr(clean_secret), "client_id": clean_name}
    )
    assert tuple(map(unquote_plus, basic_pair(amended(client)))) == (clean_name, clean_secret)


@pytest.mark.parametrize("method", [AuthMethod.TLS_CLIENT_AUTH, AuthMethod.NONE])
def test_only_the_id_is_sent_where_no_secret_is(method: AuthMethod) -> None:
    """With a certificate, or nothing, as the proof: client_id and no credential."""
    request = amended(registration(XSUAA, token_endpoint_auth_method=method))
    assert form_of(request) == {"grant_type": "client_credentials", "client_id": "sb-1!b2|it-rt-x!b3"}
    assert "Authorization" not in dict(request.fields)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(RSA_KEY, "RS256", id="RSA"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), "ES256", id="P-256"),
    ],
)
@pytest.mark.parametrize("with_line_breaks", [True, False])
def test_an_assertion_proves_the_key(key: Any, algorithm: str, with_line_breaks: bool) -> None:  # noqa: FBT001
    """The server verifies signature, audience and claims of RFC 7523 §3, whatever became of the line breaks."""
    pem = pem_of(key) if with_line_breaks else pem_of(key).replace("\n", "\\n")
    client = registration(
        XSUAA,
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        client_secret=None,
        private_key=SecretStr(pem),
        private_key_id="key-7",
    )
    form = form_of(amended(client))
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "sb-1!b2|it-rt-x!b3",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "typ": "JWT", "kid": "key-7"}
    claims = jwt.decode(
        assertion,
        key.public_key(),
        algorithms=[algorithm],
        audience=client.token_url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_url,
        "jti": "id-1",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
    }


def test_each_assertion_is_a_new_one_and_names_the_configured_audience() -> None:
    """A `jti` is used once; without a key id there is no kid."""
    client = registration(
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        private_key=SecretStr(pem_of(RSA_KEY)),
        assertion_audience="https://issuer.example",
    )
    (auth,) = auths_of(client)
    assertions = [form_of(auth.amend(grant_request(client)))["client_assertion"] for _ in range(2)]
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in assertions]
    assert [(each["jti"], each["aud"]) for each in claims] == [
        ("id-1", "https://issuer.example"),
        ("id-2", "https://issuer.example"),
    ]
    assert "kid" not in jwt.get_unverified_header(assertions[0])


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        pytest.param(
            pem_of(ed25519.Ed25519PrivateKey.generate()),
            "contains a key of another kind",
            id="another kind of key",
        ),
        pytest.param(
            pem_of(ec.generate_private_key(ec.SECP384R1())),
            "contains a key of another kind",
            id="another curve",
        ),
        pytest.param(pem_of(RSA_KEY, b"x"), "contains no readable private key", id="encrypted"),
        pytest.param("canary", "contains no readable private key", id="no PEM"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(pem: str, message: str) -> None:
    """The sentence names the OAuth client and not the key."""
    client = registration(token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT, private_key=SecretStr(pem))
    with pytest.raises(ValueError, match=message) as caught:
        auths_of(client)
    assert str(caught.value).startswith("OAuth client orders: private_key ")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (AuthMethod.CLIENT_SECRET_BASIC, "client_secret_basic needs client_secret, or client_secret_file"),
        (AuthMethod.CLIENT_SECRET_POST, "client_secret_post needs client_secret, or client_secret_file"),
        (AuthMethod.PRIVATE_KEY_JWT, "private_key_jwt needs private_key, or private_key_file"),
    ],
)
def test_a_missing_credential_is_named(method: AuthMethod, message: str) -> None:
    """The method cannot do without, and says so."""
    with pytest.raises(ValueError, match=message):
        auths_of(registration(token_endpoint_auth_method=method, client_secret=None))


@pytest.mark.parametrize("preset", [NEO, XSUAA])
def test_the_coming_secret_is_the_second_way(preset: dict[str, Any]) -> None:
    """With `client_secret_next` there are two, the present one first."""
    client = registration(preset, client_secret=SecretStr("one"), client_secret_next=SecretStr("two"))
    assert auths_of(client) == (
        *auths_of(registration(preset, client_secret=SecretStr("one"))),
        *auths_of(registration(preset, client_secret=SecretStr("two"))),
    )


@pytest.mark.parametrize(
    "client",
    [
        registration(NEO, client_secret=SecretStr("canary")),
        registration(XSUAA, client_secret=SecretStr("canary")),
        registration(token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT, private_key=SecretStr(pem_of(RSA_KEY))),
    ],
)
def test_no_repr_shows_a_secret(client: OAuthClient) -> None:
    """Neither the method nor the amended request."""
    (auth,) = auths_of(client)
    text = repr(auth) + repr(auth.amend(grant_request(client)))
    assert "canary" not in text
    assert "PRIVATE" not in text


@pytest.mark.parametrize(
    ("encoding", "client_id", "secret", "suspected"),
    [
        ("raw", "id", "a+b", "urlencoded"),
        ("raw", "i%d", "ab", "urlencoded"),
        ("raw", "sb-1!b2|it-rt-t!b3", "a$b=", None),
        ("urlencoded", "id", "a$b=", "raw"),
        ("urlencoded", "id", "ab", None),
    ],
)
def test_credentials_that_servers_read_in_two_ways_are_suspected(
    encoding: str, client_id: str, secret: str, suspected: str | None
) -> None:
    """There are two schools (RFC 6749 section 2.3.1, RFC 7617); the other one is named, the secret is not."""
    chosen: dict[str, Any] = {
        "token_endpoint_auth_method": AuthMethod.CLIENT_SECRET_BASIC,
        "basic_encoding": BasicEncoding(encoding),
    }
    client = registration(client_id=client_id, client_secret=SecretStr(secret), **chosen)
    suspicion = amended(client).suspicion
    if suspected is None:
        assert not suspicion
    else:
        assert f"basic_encoding: {suspected}" in suspicion
        assert secret not in suspicion
