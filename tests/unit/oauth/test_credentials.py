"""The secret files and the service key of an OAuth client, read anew."""

import json
from pathlib import Path

import pytest

from proxy.config.load import load
from proxy.config.model import AuthMethod, OAuthClient
from proxy.oauth.credentials import with_secrets
from tests.fakes.identity import CERTIFICATE as PEM
from tests.fakes.identity import KEY

CONFIGURATION = """
oauth_clients:
  invoices:
    service_key_file: key.json
routes:
  - {path: /, upstream: /http, oauth_client: invoices}
"""
SHARED = {"clientid": "sb-1!b1|it-rt-t!b2", "url": "https://t-rt.example", "tokenurl": "https://t.example/oauth/token"}
SECRET = {**SHARED, "clientsecret": "first$one="}
CERTIFICATE = {**SHARED, "certificate": PEM.replace("\n", "\\n"), "key": KEY}


def write(folder: Path, key: dict[str, str]) -> None:
    """Puts the service key where the configuration looks for it."""
    (folder / "key.json").write_text(json.dumps({"oauth": key}))


def client_with(folder: Path, key: dict[str, str]) -> OAuthClient:
    """The OAuth client as it was when the configuration was read."""
    write(folder, key)
    (folder / "proxy.yaml").write_text(CONFIGURATION)
    return load(folder / "proxy.yaml", {}).oauth_clients["invoices"]


def test_an_unchanged_service_key_changes_nothing(tmp_path: Path) -> None:
    """Reading the same file again gives an equal OAuth client."""
    client = client_with(tmp_path, SECRET)
    assert with_secrets(client) == client


def test_a_new_secret_in_the_service_key_is_taken_over(tmp_path: Path) -> None:
    """Id, token URL and secret follow the file."""
    client = client_with(tmp_path, SECRET)
    write(
        tmp_path, {**SECRET, "clientsecret": "second", "clientid": "sb-2", "tokenurl": "https://u.example/oauth/token"}
    )
    renewed = with_secrets(client)
    assert renewed.client_secret is not None
    assert renewed.client_secret.get_secret_value() == "second"
    assert (renewed.client_id, renewed.token_url) == ("sb-2", "https://u.example/oauth/token")
    assert renewed.token_endpoint_auth_method is AuthMethod.CLIENT_SECRET_POST


def test_a_certificate_takes_the_place_of_a_secret(tmp_path: Path) -> None:
    """A service key of the other kind changes how the OAuth client authenticates."""
    client = client_with(tmp_path, SECRET)
    write(tmp_path, CERTIFICATE)
    renewed = with_secrets(client)
    assert renewed.token_endpoint_auth_method is AuthMethod.TLS_CLIENT_AUTH
    assert renewed.certificate is not None
    assert renewed.certificate.get_secret_value() == PEM
    assert renewed.private_key is not None
    assert renewed.client_secret is None


def test_a_secret_takes_the_place_of_a_certificate(tmp_path: Path) -> None:
    """And back: nothing of the certificate remains."""
    client = client_with(tmp_path, CERTIFICATE)
    write(tmp_path, SECRET)
    renewed = with_secrets(client)
    assert renewed.token_endpoint_auth_method is AuthMethod.CLIENT_SECRET_POST
    assert renewed.certificate is None
    assert renewed.client_secret is not None


def test_a_broken_service_key_shows_nothing_of_itself(tmp_path: Path) -> None:
    """Half a file is a ValueError whose text holds no part of it."""
    client = client_with(tmp_path, SECRET)
    (tmp_path / "key.json").write_text('{"oauth": {"clientsecret": "half-a-sec')
    with pytest.raises(ValueError, match="no JSON") as failure:
        with_secrets(client)
    assert "half" not in str(failure.value)
