"""Trust towards upstreams."""

import contextlib
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.config.model import Tls
from proxy.wire.tls_context import client_context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Issues certificates."""
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Path]:
    """Certificates and a key, apart and in one file."""
    issued = authority.issue_cert("client.example")
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key", "both")}
    authority.cert_pem.write_to_path(paths["ca"])
    issued.cert_chain_pems[0].write_to_path(paths["cert"])
    issued.private_key_pem.write_to_path(paths["key"])
    issued.private_key_and_cert_chain_pem.write_to_path(paths["both"])
    return paths


def test_verification_is_never_off(files: dict[str, Path]) -> None:
    """TLS is 1.2 or newer."""
    for tls in (Tls(), Tls(ca_file=files["ca"])):
        context = client_context(tls)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_may_bring_its_key_in_one_file_or_two(files: dict[str, Path]) -> None:
    """A server sees it either way."""
    for tls in (Tls(cert_file=files["cert"], key_file=files["key"]), Tls(cert_file=files["both"])):
        assert shown(client_context(tls), files["ca"]) == "client.example"


def shown(client: ssl.SSLContext, ca: Path) -> str:
    """The name in the certificate that a server is shown."""
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    server.verify_mode = ssl.CERT_REQUIRED
    trustme.CA().issue_cert("server.example").configure_cert(server)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="server.example"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    names = (ends[1].getpeercert() or {})["subjectAltName"]
    return str(names[0][1])


def test_files_that_are_none_are_refused(files: dict[str, Path]) -> None:
    """At the start."""
    with pytest.raises(OSError, match=r"contains no readable private key.*cert\.pem"):
        client_context(Tls(cert_file=files["cert"]))
    with pytest.raises(OSError, match="No such file"):
        client_context(Tls(ca_file=files["ca"].with_name("missing.pem")))
