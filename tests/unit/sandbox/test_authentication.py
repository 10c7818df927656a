"""Client authentication."""

import base64
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.choices import AuthMethod
from proxy.sandbox.authentication import (
    ASSERTION_TYPE,
    AssertionVerifier,
    ClientRegistry,
    PresentedCredentials,
    read_credentials,
)
from proxy.sandbox.certificate_authority import CertificateAuthority
from proxy.sandbox.clients import RegisteredClient
from tests.cases import cases
from tests.unit.sandbox.token_requests import CLIENT, NOW, presented

IDENTITY = CertificateAuthority().issue_client("cn")
AUDIENCE = "https://x/oauth/token"
CLAIMS = {"iss": CLIENT.client_id, "sub": CLIENT.client_id, "aud": AUDIENCE, "jti": "1", "exp": NOW + 60, "iat": NOW}
IDS = st.text(min_size=1).filter(lambda text: ":" not in text)
BASIC, POST = AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST
CERTIFICATE, SIGNED = AuthMethod.TLS_CLIENT_AUTH, AuthMethod.PRIVATE_KEY_JWT


def basic(client_id: str, secret: str, scheme: str = "Basic") -> str:
    """As Authorization."""
    return f"{scheme} {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def accepts(
    credentials: PresentedCredentials | None, *, name: str | None = None, client: RegisteredClient = CLIENT
) -> bool:
    """Without assertions."""
    return ClientRegistry([client]).authenticate(credentials, now=NOW, certificate_name=name) == client


@given(IDS, st.text())
def test_raw_basic_credentials_are_not_decoded(client_id: str, secret: str) -> None:
    """The first colon ends the id."""
    assert read_credentials(basic(client_id, secret), {}, encoded=False) == presented(secret, BASIC, client_id)


@given(IDS, st.text())
def test_encoded_basic_credentials_are_decoded(client_id: str, secret: str) -> None:
    """By X-CF-ENCODED-CREDENTIALS."""
    read = read_credentials(basic(quote_plus(client_id), quote_plus(secret)), {}, encoded=True)
    assert read == presented(secret, BASIC, client_id)


def test_encoded_credentials_without_the_field_are_not_decoded() -> None:
    """The mistake of SAP's page on 401."""
    read = read_credentials(basic(quote_plus(CLIENT.client_id), quote_plus(CLIENT.secret)), {}, encoded=False)
    assert not accepts(read)


@cases(
    "parameters, expected",
    ({"client_id": "a", "client_secret": "b+c"}, presented("b+c", POST, "a")),
    ({"client_id": "a"}, presented("", CERTIFICATE, "a")),
    (
        {"client_id": "a", "client_assertion_type": ASSERTION_TYPE, "client_assertion": "e.y.J"},
        presented("e.y.J", SIGNED, "a"),
    ),
    ({"client_id": "a", "client_assertion_type": ASSERTION_TYPE}, presented("", SIGNED, "a")),
    ({"client_secret": "b"}, None),
)
def test_the_body_shows_the_method(parameters: dict[str, str], expected: PresentedCredentials | None) -> None:
    """Without an id there is none."""
    assert read_credentials(None, parameters, encoded=False) == expected


@cases("field", "Basic", "Basic !", "Basic YQ", "Basic /w==", basic("a", "b", "Bearer"), "Basic YWI=")
def test_an_unreadable_basic_field_is_not_a_credential(field: str) -> None:
    """Nor is the body then."""
    assert read_credentials(field, {"client_id": "a", "client_secret": "b"}, encoded=False) is None


@cases(
    "credentials, name, accepted",
    (None, None, False),
    (presented(CLIENT.secret, BASIC), None, True),
    (presented(CLIENT.secret, POST), None, True),
    (presented("", CERTIFICATE), "cn", True),
    (presented("wrong", BASIC), None, False),
    (presented("ü", POST), None, False),
    (presented(CLIENT.secret, BASIC, "nobody"), None, False),
    (presented("", CERTIFICATE), "other", False),
    (presented("", CERTIFICATE), None, False),
    (presented(CLIENT.secret, SIGNED), None, False),
)
def test_only_the_right_secret_or_certificate_is_accepted(
    credentials: PresentedCredentials | None, name: str | None, *, accepted: bool
) -> None:
    """For its id."""
    assert accepts(credentials, name=name) is accepted


def test_a_client_without_certificate_cannot_authenticate_with_one() -> None:
    """No name is not the same as no certificate."""
    assert not accepts(presented("", CERTIFICATE, "a"), client=RegisteredClient(client_id="a", secret="b"))


@pytest.fixture
def registry() -> ClientRegistry:
    """It accepts assertions."""
    verifier = AssertionVerifier(audience=AUDIENCE, identities={CLIENT.client_id: IDENTITY})
    return ClientRegistry([CLIENT, RegisteredClient(client_id="other", secret="s")], assertions=verifier)


def signed(key: str = IDENTITY.private_key, client_id: str = CLIENT.client_id, **changes: Any) -> PresentedCredentials:
    """None omits claims."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return presented(jwt.encode(claims, key, "ES256"), SIGNED, client_id)


def test_an_assertion_is_accepted_once(registry: ClientRegistry) -> None:
    """Until `jti` changes."""
    assert registry.authenticate(signed(), now=NOW) == CLIENT
    assert registry.authenticate(signed(), now=NOW) is None
    assert registry.authenticate(signed(jti="2"), now=NOW) == CLIENT


@cases(
    "credentials",
    {
        "issuer": signed(iss="other"),
        "subject": signed(sub="other"),
        "audience": signed(aud="https://x"),
        "expired": signed(exp=NOW),
        "not a time": signed(exp="soon"),
        "not a number": signed(exp=float("nan")),
        "another key": signed(CertificateAuthority().issue_client("cn").private_key),
        "a client without key": signed(client_id="other", iss="other", sub="other"),
        "unsigned": presented(jwt.encode(CLAIMS, "", "none"), SIGNED),
        "empty": presented("", SIGNED),
        "no iss": signed(iss=None),
        "no sub": signed(sub=None),
        "no aud": signed(aud=None),
        "no exp": signed(exp=None),
        "no jti": signed(jti=None),
    },
)
def test_an_invalid_assertion_is_refused(registry: ClientRegistry, credentials: PresentedCredentials) -> None:
    """Its `jti` stays unused."""
    assert registry.authenticate(credentials, now=NOW) is None
    assert registry.authenticate(signed(), now=NOW) == CLIENT


def test_no_repr_shows_a_secret() -> None:
    """Of client or credentials."""
    assert "geheim" not in repr(presented("geheim", POST, "a")) + repr(RegisteredClient(client_id="a", secret="geheim"))
