"""A certificate authority, and the certificates that it issues to the server and to OAuth clients."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=30)
_SERVER_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate and its private key, as PEM."""

    certificate: str
    private_key: str

    def public_key_pem(self) -> str:
        """Returns the public key, which verifies what the private key signed."""
        key = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class CertificateAuthority:
    """Issues certificates for 30 days, beginning a day before `now` (UTC)."""

    def __init__(self, *, now: datetime | None = None) -> None:
        self._not_before = (now or datetime.now(UTC)) - timedelta(days=1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("cpi-oauth-proxy sandbox CA")
        self._certificate = self._sign_own()
        self.pem = self._certificate.public_bytes(Encoding.PEM).decode()
        "The certificate that clients of the sandbox must trust."

    def issue_server(self) -> Identity:
        """Issues a certificate for localhost, 127.0.0.1 and ::1."""
        names = x509.SubjectAlternativeName(_SERVER_NAMES)
        return self._issue(_name("localhost"), ExtendedKeyUsageOID.SERVER_AUTH, names)

    def issue_client(self, common_name: str) -> Identity:
        """Issues a certificate for an OAuth client that authenticates with it (RFC 8705 §2.1)."""
        return self._issue(_name(common_name), ExtendedKeyUsageOID.CLIENT_AUTH)

    def server_context(self, server: Identity) -> ssl.SSLContext:
        """Returns the context of the listeners; a client certificate is optional and verified if there is one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=self.pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        load_identity(context, server)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Returns a context for clients that trusts only this authority."""
        return ssl.create_default_context(cadata=self.pem)

    def _sign_own(self) -> x509.Certificate:
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return builder.add_extension(_key_usage(authority=True), critical=True).sign(self._key, hashes.SHA256())

    def _issue(
        self, subject: x509.Name, usage: x509.ObjectIdentifier, names: x509.SubjectAlternativeName | None = None
    ) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return Identity(certificate=certificate, private_key=pem)

    def _builder(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        own = self._key.public_key()
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=public_key,
            serial_number=x509.random_serial_number(),
            not_valid_before=self._not_before,
            not_valid_after=self._not_before + _LIFETIME,
            extensions=[
                # Python 3.13 verifies strictly (RFC 5280 §4.2.1.1): without both key identifiers it refuses the chain.
                _extension(x509.SubjectKeyIdentifier.from_public_key(public_key)),
                _extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own)),
            ],
        )


def load_identity(context: ssl.SSLContext, identity: Identity) -> None:
    """Loads the certificate into the context; because ssl only reads files, through a temporary one of mode 0600."""
    with tempfile.TemporaryDirectory() as directory:
        chain = Path(directory, "chain.pem")
        chain.touch(mode=0o600)
        chain.write_text(identity.certificate + identity.private_key)
        context.load_cert_chain(chain)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _extension(value: x509.ExtensionType) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical=False, value=value)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
