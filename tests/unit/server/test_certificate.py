"""The certificate of a TLS listener follows its files."""

import os
import ssl
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import EVERY
from proxy.config.model import ListenerTls
from proxy.server.certificate import Certificate, accepting_context
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.looks import Looks
from tests.unit.oauth.world import Lines


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    """The authority of the listener's certificate."""
    return Authority(tmp_path)


@pytest.fixture
def tls(issuer: Authority) -> ListenerTls:
    """The listener's files."""
    return ListenerTls.model_validate(issuer.listener())


@pytest.fixture
def looks() -> Looks:
    """Its pauses."""
    return Looks()


@pytest.fixture
def log() -> Lines:
    """Its log."""
    return Lines()


@pytest.fixture
def certificate(tls: ListenerTls, looks: Looks, log: Lines) -> Certificate:
    """The certificate of a listener."""
    return Certificate(tls, "a:1", log=log, sleep=looks.sleep)


async def test_files_are_looked_at_every_few_seconds(
    certificate: Certificate, issuer: Authority, looks: Looks, log: Lines
) -> None:
    """Only a change makes a new context."""
    first = certificate.context
    certificate.follow()
    await looks.first()
    await looks.another()
    assert certificate.context is first
    issuer.listener()
    await looks.another()
    assert certificate.context is not first
    assert (log.all, set(looks.pauses)) == ([("certificate.renewed", {"listener": "a:1"})], {EVERY})
    await certificate.close()


async def test_one_that_does_not_follow_can_be_closed(certificate: Certificate) -> None:
    """Its address may be taken."""
    await certificate.close()


async def test_a_fault_is_logged_once_and_the_previous_context_stays(
    certificate: Certificate, tls: ListenerTls, issuer: Authority, log: Lines
) -> None:
    """A file may be missing, too large or slow."""
    first, slow = certificate.context, FileThreads(limit=0.05)
    certificate.follow()
    tls.cert_file.unlink()
    for _ in range(2):
        await certificate.files.look()
    with tls.cert_file.open("wb") as large:
        large.truncate(1 << 40)
    await certificate.files.look()
    tls.cert_file.unlink()
    os.mkfifo(tls.cert_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate.files, "_threads", slow)
        await certificate.files.look()
    assert [line["reason"] for line in log.named("certificate.rejected")] == [
        f"{tls.cert_file}: No such file or directory",
        f"the file {tls.cert_file} is larger than 1 MiB; name the right one",
        f"the file {tls.cert_file} did not answer within 0.05 s",
    ]
    assert certificate.context is first
    pipe = tls.cert_file.rename(tls.cert_file.with_name("pipe"))
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # what hangs reads nothing
    issuer.listener()
    await certificate.files.look()
    await certificate.close()
    assert certificate.context is not first


@cases("wanted", True, False)
def test_a_context_wants_certificates_where_it_knows_authorities(issuer: Authority, *, wanted: bool) -> None:
    """TLS is 1.2 or newer."""
    options = issuer.listener() | ({"client_ca_file": issuer.ca_file()} if wanted else {})
    context = accepting_context(ListenerTls.model_validate(options))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is (ssl.CERT_REQUIRED if wanted else ssl.CERT_NONE)
    assert context.options & ssl.OP_NO_RENEGOTIATION


async def test_no_error_of_a_library_ends_the_watching(
    certificate: Certificate, issuer: Authority, looks: Looks, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its class is logged once."""

    def fail() -> ssl.SSLContext:
        raise UnsupportedAlgorithm("s3cr3t")

    first = certificate.context
    certificate.follow()
    await looks.first()
    with monkeypatch.context() as patch:
        patch.setattr(certificate.files, "_read", fail)
        issuer.listener()
        await looks.another()
        await looks.another()
    assert [each["reason"] for each in log.named("certificate.rejected")] == ["UnsupportedAlgorithm"]
    assert certificate.context is first
    issuer.listener()
    await looks.another()
    assert certificate.context is not first
    await certificate.close()
