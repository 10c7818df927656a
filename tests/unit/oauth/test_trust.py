"""TLS contexts of connections to token endpoints."""

import os
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from proxy.config.model import Tls
from proxy.oauth.trust import needs_own_trust, own_trust
from tests.cases import cases
from tests.unit.oauth.registrations import registration


def test_verification_is_always_on() -> None:
    """Certificate and host name are verified."""
    context = own_trust(registration())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_ca_file_replaces_the_systems_authorities(ca_file: Path) -> None:
    """No other authority is trusted."""
    assert own_trust(registration(tls=Tls(ca_file=ca_file))).cert_store_stats()["x509_ca"] == 1


@cases(
    "tls, certificate, expected",
    (Tls(), None, False),
    (Tls(ca_file=Path("x")), None, True),
    (Tls(cert_file=Path("x")), None, True),
    (Tls(), SecretStr("x"), True),
)
def test_a_context_of_its_own_is_needed_if_something_is_configured(
    tls: Tls,
    certificate: SecretStr | None,
    expected: bool,
) -> None:
    """Other OAuth clients share one context."""
    assert needs_own_trust(registration(tls=tls, certificate=certificate)) is expected


@cases("has_memory_files", True, False)
def test_a_service_keys_certificate_leaves_no_file(
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_memory_files: bool,
) -> None:
    """Even without memory files."""
    if not has_memory_files:
        monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made, other = authority.issue_cert("client.example"), authority.issue_cert("client.example")
    certificate = SecretStr(made.cert_chain_pems[0].bytes().decode())
    own_trust(registration(certificate=certificate, private_key=SecretStr(made.private_key_pem.bytes().decode())))
    with pytest.raises(OSError, match="key values mismatch"):
        own_trust(registration(certificate=certificate, private_key=SecretStr(other.private_key_pem.bytes().decode())))
    assert list(tmp_path.iterdir()) == []


def test_an_encrypted_key_is_refused_without_asking_for_its_password(authority: trustme.CA) -> None:
    """OpenSSL would ask on the terminal and wait for ever."""
    made = authority.issue_cert("client.example")
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    client = registration(
        certificate=SecretStr(made.cert_chain_pems[0].bytes().decode()), private_key=SecretStr(encrypted.decode())
    )
    with pytest.raises(OSError, match="cannot be used for TLS"):
        own_trust(client)
