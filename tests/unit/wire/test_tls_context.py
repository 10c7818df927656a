"""TLS towards servers."""

import contextlib
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from proxy.config.model import ListenerTls, Tls
from proxy.oauth.certificate_expiry import first_end
from proxy.oauth.trust import own_trust
from proxy.server.certificate import accepting_context
from proxy.wire.tls_context import (
    VERIFY_FLAGS,
    certificate_advice,
    client_context,
    file_reason,
    present,
    trust,
    verifying_context,
)
from tests.cases import cases
from tests.fakes.identity import CERTIFICATE, KEY, SPELLINGS
from tests.unit.oauth.registrations import registration


class Lax:
    """The ssl module of another Python or system."""

    def __getattr__(self, name: str) -> Any:
        """Whatever does not differ."""
        return getattr(ssl, name)

    def SSLContext(self, protocol: int) -> ssl.SSLContext:  # noqa: N802 - its name there
        """Not what we want."""
        made = ssl.SSLContext(protocol)
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.verify_flags = ssl.VERIFY_X509_STRICT
        return made


@cases("has_file", True, False)
def test_nothing_depends_on_the_system_below(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_file: bool,
) -> None:
    """Debian's Python and 3.13 differ."""
    monkeypatch.setattr("proxy.wire.tls_context.ssl", Lax())
    path = tmp_path / "ca.pem"
    path.write_text(CERTIFICATE)
    context = verifying_context(path if has_file else None)
    assert (context.minimum_version, context.verify_flags) == (ssl.TLSVersion.TLSv1_2, VERIFY_FLAGS)


def test_senders_certificates_are_checked_as_servers_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same flags, on every Python."""
    monkeypatch.setattr("proxy.server.certificate.ssl", Lax())
    path = tmp_path / "both.pem"
    path.write_text(CERTIFICATE + KEY)
    context = accepting_context(ListenerTls(cert_file=path, client_ca_file=path))
    assert (context.minimum_version, context.verify_flags) == (ssl.TLSVersion.TLSv1_2, VERIFY_FLAGS)


@cases("spelling", *SPELLINGS)
def test_files_are_used_in_any_spelling(tmp_path: Path, spelling: str) -> None:
    """Whatever option names them."""
    path = tmp_path / "all.pem"
    path.write_bytes(SPELLINGS[spelling](CERTIFICATE + KEY))
    many = CERTIFICATE.count("BEGIN")
    tls = Tls(ca_file=path, cert_file=path)
    contexts = [
        client_context(tls),
        client_context(Tls(ca_file=path, cert_file=path, key_file=path)),
        own_trust(registration(tls=tls)),
        accepting_context(ListenerTls(cert_file=path, client_ca_file=path)),
    ]
    assert [context.cert_store_stats()["x509"] for context in contexts] == [many] * 4
    assert first_end(path.read_bytes()) == first_end(CERTIFICATE.encode())


@cases(
    "content, reason",
    (CERTIFICATE.encode("utf-16"), "it is UTF-16; write it as UTF-8"),
    (CERTIFICATE.encode("utf-16-be"), "it is UTF-16; write it as UTF-8"),
    (b"\x30\x82\x01\x00\xff", "it is not UTF-8; write it as UTF-8, or as PEM if it is a certificate or key"),
    (CERTIFICATE[:300].encode(), "contains a PEM block without its end"),
    (b"", "it is empty"),
    (b"x" * (1 << 20) + b"y", "it is larger than 1 MiB"),
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    """As authorities, as certificate and as key."""
    path, good = tmp_path / "bad.pem", tmp_path / "good.pem"
    path.write_bytes(content)
    good.write_text(CERTIFICATE)
    context = verifying_context(good)
    calls: list[Callable[[], object]] = [
        partial(verifying_context, path),
        partial(trust, context, path),
        partial(present, context, path),
        partial(present, context, good, path),
    ]
    for call in calls:
        with pytest.raises(OSError, match=reason) as caught:
            call()
        assert file_reason(caught.value).startswith(f"{path}: ")


NOW = datetime.now(UTC)
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


class Issuer:
    """An authority that makes what others would not."""

    def __init__(self, name: str, by: "Issuer | None" = None, **options: Any) -> None:
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key: Any = options.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
        self.by = by or self
        self.certificate = self.by.issue(self.name, self.key.public_key(), **({"ca": True} | options))
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name: x509.Name,
        key: Any,
        *,
        ca: bool = False,
        critical: bool = True,
        depth: int | None = None,
        usage: x509.ExtendedKeyUsage | None = None,
        hosts: tuple[x509.GeneralName, ...] = (),
        only: str = "",
        begin: timedelta = timedelta(days=-1),
        end: timedelta = timedelta(days=1),
    ) -> x509.Certificate:
        """A certificate as old authorities make them."""
        made = x509.CertificateBuilder(self.name, name, key, x509.random_serial_number(), NOW + begin, NOW + end)
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=depth), critical)
        if usage:
            made = made.add_extension(usage, critical=False)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        if only:
            made = made.add_extension(x509.NameConstraints([x509.DNSName(only)], None), critical=True)
        return made.sign(self.key, hashes.SHA256())


HOSTS = (x509.DNSName("server.example"), x509.IPAddress(ip_address("127.0.0.1")))
ROOT = Issuer("root")


def leaf(by: Issuer = ROOT, **options: Any) -> Issuer:
    """A server's certificate."""
    return Issuer("leaf", by, **({"ca": False, "usage": SERVER, "hosts": HOSTS} | options))


def refusal(server: Issuer, *trusted: Issuer, chain: tuple[Issuer, ...] = (), host: str = "server.example") -> str:
    """What a client says if it refuses."""
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ca").write_text("".join(each.pem for each in trusted))
        key = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        (folder / "cert").write_text(server.pem + "".join(each.pem for each in chain) + key)
        client = verifying_context(folder / "ca")
        accepting.set_ciphers("ALL:@SECLEVEL=0")
        accepting.load_cert_chain(folder / "cert")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=host),
        accepting.wrap_bio(to_server, to_client, server_side=True),
    )
    try:
        for end in ends * 3:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return certificate_advice(error)
    return ""


@cases(
    "server, options",
    {
        "without key usage and key identifiers": (leaf(), {"trusted": (ROOT,)}),
        "basic constraints that are not critical": (leaf(Issuer("lax", critical=False)), {}),
        "an intermediate authority alone is trusted": (leaf(Issuer("sub", ROOT)), {}),
        "an address": (leaf(), {"host": "127.0.0.1", "trusted": (ROOT,)}),
        "no extended key usage": (leaf(usage=None), {"trusted": (ROOT,)}),
    },
)
def test_certificates_of_companies_are_accepted(server: Issuer, options: dict[str, Any]) -> None:
    """On any Python."""
    assert refusal(server, *options.get("trusted", (server.by,)), host=options.get("host", "server.example")) == ""


OTHER, SUB = Issuer("other"), Issuer("sub", ROOT)
BROKEN = Issuer("broken", ROOT, ca=False)
SHALLOW = Issuer("shallow", depth=0)
NARROW = Issuer("narrow", only="elsewhere.example")
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
TRUST = (
    "set `tls.ca_file`, or `ca_file` at the top level (CPI_CA_FILE), to the certificate of its authority; "
    "if a proxy in between opens TLS, of that proxy's"
)
WEAK = rsa.generate_private_key(65537, 1024)


@cases(
    "server, trusted, chain, host, advice",
    {
        "an issuer that nobody knows": (leaf(), OTHER, (), "server.example", TRUST),
        "an intermediate is missing": (leaf(SUB), ROOT, (), "server.example", TRUST),
        "self-signed": (OTHER, ROOT, (), "server.example", "to this certificate"),
        "expired": (leaf(end=timedelta(0)), ROOT, (), "server.example", "have it renewed"),
        "not yet valid": (leaf(begin=timedelta(hours=1)), ROOT, (), "server.example", "clock"),
        "another name": (leaf(), ROOT, (), "other.example", "another host"),
        "another address": (leaf(), ROOT, (), "127.0.0.2", "another host"),
        "for clients only": (leaf(usage=CLIENT), ROOT, (), "server.example", "serverAuth"),
        "a short key": (leaf(key=WEAK), ROOT, (), "server.example", "too weak"),
        "by no authority": (leaf(BROKEN), ROOT, (BROKEN,), "server.example", "may not issue"),
        "a chain that ends early": (leaf(Issuer("deep", SHALLOW)), SHALLOW, (), "server.example", TRUST),
        "for other names": (leaf(NARROW), NARROW, (), "server.example", "may not issue"),
    },
)
def test_each_refusal_has_its_advice(
    server: Issuer, trusted: Issuer, chain: tuple[Issuer, ...], host: str, advice: str
) -> None:
    """A missing authority can be named."""
    assert advice in refusal(server, trusted, chain=chain, host=host)


def test_a_chain_may_not_be_longer_than_its_authority_allows() -> None:
    """That is no matter of trust."""
    deep = Issuer("deep", SHALLOW)
    assert "may not issue" in refusal(leaf(deep), SHALLOW, chain=(deep,))


@cases("code, advice", (7, "does a proxy in between open TLS?"), (68, "too weak"), (85, "RFC 5280"), (1, "RFC 5280"))
def test_rare_reasons_have_advice_too(code: int, advice: str) -> None:
    """By OpenSSL's number."""
    error = cast("ssl.SSLCertVerificationError", SimpleNamespace(verify_code=code))
    assert advice in certificate_advice(error)
