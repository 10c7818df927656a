"""Certificates and keys; whether they can be used is tried where they are read (test_clients, test_service_key)."""

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.config.pem import check_authorities, check_certificate, check_identity, repair_pem, signing_key
from proxy.config.secrets import as_secret
from tests.cases import cases, grouped_cases
from tests.fakes.certificates import other_key, other_version
from tests.fakes.identity import CERTIFICATE, KEY, SPELLINGS


@cases("spelling", *SPELLINGS)
def test_pem_is_brought_to_one_spelling(spelling: str) -> None:
    """Only the blocks are left, in their order."""
    assert repair_pem(as_secret(SPELLINGS[spelling](CERTIFICATE + KEY), "x").get_secret_value()) == CERTIFICATE + KEY


@cases("spelling", *SPELLINGS)
def test_pem_is_used_in_any_spelling(spelling: str) -> None:
    """Authorities, a certificate with its chain, and keys."""
    text = as_secret(SPELLINGS[spelling](CERTIFICATE + KEY), "x").get_secret_value()
    check_authorities(text)
    check_identity(text, text)
    assert signing_key(text)[1] == "ES256"


def test_a_second_pass_changes_nothing() -> None:
    """Fields of an encrypted key keep their lines."""
    fields = "Proc-Type: 4,ENCRYPTED\nDEK-Info: A,0\n\n"
    encrypted = f"-----BEGIN RSA PRIVATE KEY-----\n{fields}AA==\n-----END RSA PRIVATE KEY-----\n"
    assert repair_pem(f"x {encrypted}") == encrypted


@grouped_cases(
    "wrong, text",
    (
        "contains no readable certificate",
        [
            "",
            "sesame",
            KEY,
            "-----BEGIN CERTIFICATE-----\nsesame\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n\u0131\n-----END CERTIFICATE-----",
        ],
    ),
    (
        "contains a PEM block without its end",
        [CERTIFICATE[:400], CERTIFICATE[:400] + CERTIFICATE, CERTIFICATE.replace("END CERTIFICATE", "END KEY")],
    ),
)
def test_what_holds_no_authority_is_refused_and_not_shown(text: str, wrong: str) -> None:
    """The certificate in a broken block would be missed later."""
    with pytest.raises(ValueError, match=wrong) as caught:
        check_authorities(text)
    assert "sesame" not in str(caught.value)


def test_a_key_that_tls_would_not_take_is_refused() -> None:
    """Before the first message, and with what would be right."""
    key = rsa.generate_private_key(65537, 1024)
    name, authority = x509.Name([]), trustme.CA()
    now = authority.issue_cert("x").cert_chain_pems[0].bytes()
    start = x509.load_pem_x509_certificate(now).not_valid_before_utc
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=start.year + 30))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="is too short for TLS; make one of 2048 bits or more"):
        check_identity(certificate, pem)


def test_certificates_that_their_reader_does_not_take_are_refused() -> None:
    """Of a version, or of a kind of key, that does not exist."""
    issued = trustme.CA().issue_cert("a.example", key_type=trustme.KeyType.ECDSA)
    certificate, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes().decode()
    with pytest.raises(ValueError, match="no readable certificate"):
        check_certificate(other_version(certificate).decode())
    with pytest.raises(ValueError, match="of another kind"):
        check_identity(other_key(certificate).decode(), key)
