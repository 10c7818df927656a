"""Who a sender is by its certificate."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID

from proxy.server.subject import LONGEST, subject_of_certificate


def certificate(*names: str) -> bytes:
    """A certificate (DER) with these common names."""
    key = generate_private_key(SECP256R1())
    name = Name([NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    return (
        CertificateBuilder(name, name, key.public_key(), random_serial_number())
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        (["ERP"], "CN=ERP"),
        (["a,b", "c+d"], "CN=c\\+d,CN=a\\,b"),
        (["Müller"], "CN=Müller"),
        (["a\nb\x1b"], "CN=a\\0Ab\\1B"),
        (["a\\0Ab"], "CN=a\\\\0Ab"),
        (["a\u202eb"], "CN=a\\E2\\80\\AEb"),
    ],
)
def test_a_subject_is_printable_and_tells_all_names_apart(names: list[str], subject: str) -> None:
    """RFC 4514."""
    assert subject_of_certificate(certificate(*names)) == subject


def test_a_subject_is_not_longer_than_a_line_can_bear() -> None:
    """Where it was cut, it says so."""
    subject = subject_of_certificate(certificate(*["x" * 60] * 20))
    assert (len(subject), subject[-1]) == (LONGEST, "…")


def test_what_cannot_be_read_is_nobody() -> None:
    """OpenSSL takes some that others do not."""
    assert subject_of_certificate(b"x") == ""
