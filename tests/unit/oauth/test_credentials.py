"""Reading the secret files and the service key of an OAuth client."""

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
    """Write the service key to the file that the configuration names."""
    (folder / "key.json").write_text(json.dumps({"oauth": key}))


def client_with(folder: Path, key: dict[str, str]) -> OAuthClient:
    """The OAuth client of the configuration."""
    write(folder, key)
    (folder / "proxy.yaml").write_text(CONFIGURATION)
    return load(folder / "proxy.yaml", {}).oauth_clients["invoices"]


def test_an_unchanged_service_key_changes_nothing(tmp_path: Path) -> None:
    """It is equal to the configured one."""
    client = client_with(tmp_path, SECRET)
    assert with_secrets(client) == client


def test_a_new_secret_in_the_service_key_is_applied(tmp_path: Path) -> None:
    """Id and token URL are applied too."""
    client = client_with(tmp_path, SECRET)
    write(
        tmp_path, {**SECRET, "clientsecret": "second", "clientid": "sb-2", "tokenurl": "https://u.example/oauth/token"}
    )
    renewed = with_secrets(client)
    assert renewed.client_secret is not None
    assert renewed.client_secret.get_secret_value() == "second"
    assert renewed.client_id == "sb-2"
    assert renewed.token_url == "https://u.example/oauth/token"
    assert renewed.token_endpoint_auth_method is AuthMethod.CLIENT_SECRET_POST


def test_a_certificate_replaces_a_secret(tmp_path: Path) -> None:
    """The client authenticates with it."""
    client = client_with(tmp_path, SECRET)
    write(tmp_path, CERTIFICATE)
    renewed = with_secrets(client)
    assert renewed.token_endpoint_auth_method is AuthMethod.TLS_CLIENT_AUTH
    assert renewed.certificate is not None
    assert renewed.certificate.get_secret_value() == PEM
    assert renewed.private_key is not None
    assert renewed.client_secret is None


def test_a_secret_replaces_a_certificate(tmp_path: Path) -> None:
    """The certificate is gone."""
    client = client_with(tmp_path, CERTIFICATE)
    write(tmp_path, SECRET)
    renewed = with_secrets(client)
    assert renewed.token_endpoint_auth_method is AuthMethod.CLIENT_SECRET_POST
    assert renewed.certificate is None
    assert renewed.client_secret is not None


def test_a_broken_service_key_is_not_quoted(tmp_path: Path) -> None:
    """Half a file may hold a secret."""
    client = client_with(tmp_path, SECRET)
    (tmp_path / "key.json").write_text('{"oauth": {"clientsecret": "half-a-sec')
    with pytest.raises(ValueError, match="not valid JSON") as failure:
        with_secrets(client)
    assert "half" not in str(failure.value)
