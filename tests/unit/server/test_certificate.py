"""The certificate of a TLS listener follows its files."""

import ssl
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import EVERY
from proxy.config.model import ListenerTls
from proxy.server import certificate as module
from proxy.server.certificate import Certificate, accepting_context
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
    """The certificate of a listener, made where no event loop runs."""
    return Certificate(tls, "a:1", log=log, sleep=looks.sleep)


async def test_files_are_looked_at_every_few_seconds(
    certificate: Certificate, issuer: Authority, looks: Looks, log: Lines
) -> None:
    """What has not changed makes nothing new; what has, a new context."""
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
    """As where the listener could not have its address."""
    await certificate.close()


async def test_a_file_that_is_missing_is_told_of_once(
    certificate: Certificate, tls: ListenerTls, issuer: Authority, log: Lines
) -> None:
    """What was there stays, until it is back."""
    first, reason = certificate.context, f"{tls.cert_file}: No such file or directory"
    tls.cert_file.unlink()
    await certificate.look()
    await certificate.look()
    (line,) = log.named("certificate.rejected")
    assert (line["listener"], line["reason"], certificate.context) == ("a:1", reason, first)
    issuer.listener()
    await certificate.look()
    assert certificate.context is not first


@pytest.mark.parametrize("wanted", [True, False])
def test_a_context_wants_certificates_where_it_knows_authorities(issuer: Authority, *, wanted: bool) -> None:
    """TLS 1.2 or newer in any case, and no renegotiation."""
    options = issuer.listener() | ({"client_ca_file": issuer.ca_file()} if wanted else {})
    context = accepting_context(ListenerTls.model_validate(options))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is (ssl.CERT_REQUIRED if wanted else ssl.CERT_NONE)
    assert context.options & ssl.OP_NO_RENEGOTIATION


async def test_files_that_hang_are_told_of_once_and_read_when_they_answer(
    certificate: Certificate, issuer: Authority, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there is shown until then."""
    first, go = certificate.context, threading.Event()
    issuer.listener()
    with monkeypatch.context() as patch:
        patch.setattr(module, "accepting_context", lambda _: go.wait(30))
        patch.setattr(certificate, "_threads", FileThreads(limit=0.05))
        await certificate.look()
        await certificate.look()
    assert [each["reason"] for each in log.named("certificate.rejected")] == [
        "a file server or DNS did not answer within 0.05 s"
    ]
    assert certificate.context is first
    go.set()
    await certificate.look()
    assert certificate.context is not first
    assert len(log.named("certificate.renewed")) == 1


async def test_no_error_of_a_library_ends_the_following(
    certificate: Certificate, issuer: Authority, looks: Looks, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of by its kind, once, and the next pair is taken."""

    def fail(_: ListenerTls) -> ssl.SSLContext:
        raise UnsupportedAlgorithm("s3cr3t")

    first = certificate.context
    certificate.follow()
    await looks.first()
    with monkeypatch.context() as patch:
        patch.setattr(module, "accepting_context", fail)
        issuer.listener()
        await looks.another()
        await looks.another()
    assert [each["reason"] for each in log.named("certificate.rejected")] == ["UnsupportedAlgorithm"]
    assert certificate.context is first
    issuer.listener()
    await looks.another()
    assert certificate.context is not first
    await certificate.close()
