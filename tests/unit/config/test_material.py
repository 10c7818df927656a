"""Certificates and keys; whether they can be used is tried where they are read (test_clients, test_service_key)."""

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.config.material import check_identity, repair_pem


@pytest.mark.parametrize("text", ["A\\nB\\n", "A\nB\n", "A\\r\\nB\\r\\n", " A\nB", "A\\nB"])
def test_pem_gets_its_line_breaks_back(text: str) -> None:
    """Letters that stand for line breaks become some, and the end has exactly one."""
    assert repair_pem(text) == "A\nB\n"


def test_a_key_that_tls_would_not_take_is_refused() -> None:
    """Before the first message, and with what would be right."""
    key = rsa.generate_private_key(65537, 1024)
    name, authority = x509.Name([]), trustme.CA()
    now = authority.issue_cert("x").cert_chain_pems[0].bytes()
    start = x509.load_pem_x509_certificate(now).not_valid_before_utc
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=start.year + 30))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="is shorter than TLS takes, make one of 2048 bits or more"):
        check_identity(certificate, pem)
