"""Certificates that TLS libraries accept."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from proxy.sandbox.certificates import CertificateAuthority, load_identity


@pytest.fixture
def authority() -> CertificateAuthority:
    """An authority of today."""
    return CertificateAuthority()


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A TLS handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    for side in alternate(client_side, server_side):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return server_side, client_side


def alternate(client: ssl.SSLObject, server: ssl.SSLObject) -> Iterator[ssl.SSLObject]:
    """Client and server in turn, for as long as a handshake takes."""
    for _ in range(3):
        yield client
        yield server


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_accepts_the_server(authority: CertificateAuthority, name: str) -> None:
    """The server's certificate holds for all names of this machine, under strict verification, too."""
    client = authority.client_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    _, seen = shake_hands(authority.server_context(authority.issue_server()), client, name)
    certificate = seen.getpeercert()
    assert certificate is not None
    assert certificate["subject"] == ((("commonName", "localhost"),),)


def test_a_client_that_does_not_trust_the_authority_refuses_the_server(authority: CertificateAuthority) -> None:
    """Another sandbox's authority is no proof."""
    server = authority.server_context(authority.issue_server())
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, CertificateAuthority().client_context(), "localhost")


def test_the_server_sees_a_clients_certificate_where_one_is_shown(authority: CertificateAuthority) -> None:
    """The common name tells the OAuth client."""
    client = authority.client_context()
    load_identity(client, authority.issue_client("somebody"))
    server_side, _ = shake_hands(authority.server_context(authority.issue_server()), client, "localhost")
    certificate = server_side.getpeercert()
    assert certificate is not None
    assert certificate["subject"] == ((("commonName", "somebody"),),)


def test_certificates_are_good_from_a_day_before_now_for_a_month(authority: CertificateAuthority) -> None:
    """A clock that is a little behind does no harm."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    certificate = x509.load_pem_x509_certificate(CertificateAuthority(now=now).pem.encode())
    assert certificate.not_valid_before_utc == now - timedelta(days=1)
    assert certificate.not_valid_after_utc == now + timedelta(days=29)
    assert x509.load_pem_x509_certificate(authority.pem.encode()).not_valid_after_utc > datetime.now(UTC)
