"""Certificates that TLS libraries accept."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from proxy.sandbox.certificate_authority import CertificateAuthority, load_identity
from tests.cases import cases


@pytest.fixture
def authority() -> CertificateAuthority:
    """A new one."""
    return CertificateAuthority()


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> tuple[object, object]:
    """What client and server see in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    for side in 3 * (client_side, server_side):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client_side.getpeercert(), server_side.getpeercert()


def subject(certificate: object) -> str:
    """The common name."""
    assert isinstance(certificate, dict)
    ((pair,),) = certificate["subject"]
    return str(pair[1])


@cases("name", "localhost", "127.0.0.1", "::1")
def test_a_client_that_trusts_the_authority_accepts_the_server(authority: CertificateAuthority, name: str) -> None:
    """Strictly, too."""
    client = authority.client_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    seen, _ = handshake(authority.server_context(authority.issue_server()), client, name)
    assert subject(seen) == "localhost"


def test_a_client_that_does_not_trust_the_authority_refuses_the_server(authority: CertificateAuthority) -> None:
    """It has another key."""
    server = authority.server_context(authority.issue_server())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, CertificateAuthority().client_context())


def test_the_server_sees_a_clients_certificate(authority: CertificateAuthority) -> None:
    """By its common name."""
    client = authority.client_context()
    load_identity(client, authority.issue_client("erp"))
    _, seen = handshake(authority.server_context(authority.issue_server()), client)
    assert subject(seen) == "erp"


def test_certificates_are_valid_from_a_day_before_now_for_30_days(authority: CertificateAuthority) -> None:
    """Clocks may be slow."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    certificate = x509.load_pem_x509_certificate(CertificateAuthority(now=now).pem.encode())
    assert certificate.not_valid_before_utc == now - timedelta(days=1)
    assert certificate.not_valid_after_utc == now + timedelta(days=29)
    assert x509.load_pem_x509_certificate(authority.pem.encode()).not_valid_after_utc > datetime.now(UTC)
