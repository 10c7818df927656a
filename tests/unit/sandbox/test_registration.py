"""Who a token request comes from."""

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.registration import Method, PresentedCredentials, RegisteredClient, Registry, read_credentials

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=", certificate_name="cn")
IDS = st.text(min_size=1).filter(lambda text: ":" not in text)


def basic(client_id: str, secret: str, scheme: str = "Basic") -> str:
    """A Basic field."""
    return f"{scheme} {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


@given(IDS, st.text())
def test_raw_basic_credentials_are_read_as_they_were_written(client_id: str, secret: str) -> None:
    """The id ends at the first colon, and any character may stand in the secret."""
    read = read_credentials(basic(client_id, secret), {}, encoded=False)
    assert read == PresentedCredentials(client_id=client_id, secret=secret, method=Method.BASIC)


@given(IDS, st.text())
def test_encoded_basic_credentials_are_decoded(client_id: str, secret: str) -> None:
    """With X-CF-ENCODED-CREDENTIALS id and secret were form-urlencoded."""
    read = read_credentials(basic(quote_plus(client_id), quote_plus(secret)), {}, encoded=True)
    assert read == PresentedCredentials(client_id=client_id, secret=secret, method=Method.BASIC)


def test_encoded_credentials_without_the_field_are_not_decoded() -> None:
    """This is the mistake that SAP's page on status 401 describes."""
    read = read_credentials(basic(quote_plus(CLIENT.client_id), quote_plus(CLIENT.secret)), {}, encoded=False)
    assert Registry([CLIENT]).authenticate(read) is None


def test_credentials_in_the_body_are_read() -> None:
    """They are taken as they are."""
    read = read_credentials(None, {"client_id": "a", "client_secret": "b+c"}, encoded=False)
    assert read == PresentedCredentials(client_id="a", secret="b+c", method=Method.POST)


def test_an_id_alone_is_a_client_that_shows_its_certificate() -> None:
    """RFC 8705 §2 wants the id in the request, and no secret."""
    read = read_credentials(None, {"client_id": "a"}, encoded=False)
    assert read == PresentedCredentials(client_id="a", secret="", method=Method.CERTIFICATE)


@pytest.mark.parametrize(
    "field", ["Basic", "Basic !", "Basic YQ", "Basic /w==", basic("a", "b", "Bearer"), "Basic YWI="]
)
def test_an_unreadable_basic_field_is_no_credential(field: str) -> None:
    """Neither is it overruled by credentials in the body."""
    assert read_credentials(field, {"client_id": "a", "client_secret": "b"}, encoded=False) is None


def test_no_credentials_are_none() -> None:
    """A body without an id says nothing."""
    assert read_credentials(None, {"client_secret": "b"}, encoded=False) is None
    assert Registry([CLIENT]).authenticate(None) is None


@pytest.mark.parametrize(
    ("client_id", "secret", "method", "name", "proved"),
    [
        (CLIENT.client_id, CLIENT.secret, Method.BASIC, None, True),
        (CLIENT.client_id, CLIENT.secret, Method.POST, None, True),
        (CLIENT.client_id, "", Method.CERTIFICATE, "cn", True),
        (CLIENT.client_id, "wrong", Method.BASIC, None, False),
        (CLIENT.client_id, "ü", Method.POST, None, False),
        ("nobody", CLIENT.secret, Method.BASIC, None, False),
        (CLIENT.client_id, "", Method.CERTIFICATE, "other", False),
        (CLIENT.client_id, "", Method.CERTIFICATE, None, False),
    ],
)
def test_only_the_right_secret_or_certificate_proves_a_client(
    client_id: str, secret: str, method: Method, name: str | None, *, proved: bool
) -> None:
    """Id, and secret or certificate, must both fit."""
    credentials = PresentedCredentials(client_id=client_id, secret=secret, method=method)
    found = Registry([CLIENT]).authenticate(credentials, certificate_name=name)
    assert found == (CLIENT if proved else None)


def test_a_client_without_certificate_cannot_be_proved_by_one() -> None:
    """No name is not the same as an absent certificate."""
    client = RegisteredClient(client_id="a", secret="b")
    credentials = PresentedCredentials(client_id="a", secret="", method=Method.CERTIFICATE)
    assert Registry([client]).authenticate(credentials) is None


def test_no_repr_shows_a_secret() -> None:
    """Neither of client nor of credentials."""
    credentials = PresentedCredentials(client_id="a", secret="geheim", method=Method.POST)
    assert "geheim" not in repr(credentials) + repr(RegisteredClient(client_id="a", secret="geheim"))
