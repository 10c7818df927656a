"""Certificates change while the proxy runs: new connections see the new one, and nobody is cut off."""

import ssl

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.authority import Authority
from tests.fakes.sender import Sender, request
from tests.flow.running import Orders, Running, until


@pytest.fixture
async def proxy(orders: Orders, issuer: Authority) -> Running:
    """A proxy that listens with TLS."""
    listen = {"address": "127.0.0.1:0", "tls": issuer.listener()}
    return await orders({"listen": listen})


async def look(proxy: Running) -> None:
    """Let the listener look at its files."""
    certificate = proxy.app.listeners[0].certificate
    assert certificate
    await certificate.files.look()


def shown(sender: Sender) -> bytes | None:
    """The certificate that the sender has seen."""
    return sender.tls.getpeercert(binary_form=True)


async def test_a_renewed_certificate(proxy: Running, issuer: Authority) -> None:
    """Old connections go on."""
    before = await proxy.sender(tls=issuer.trusting())
    issuer.listener()
    await look(proxy)
    after = await proxy.sender(tls=issuer.trusting())
    assert shown(before) != shown(after)
    for sender in (before, after):
        assert (await sender.ask(request(b"GET /orders"))).status == 200
    (line,) = proxy.lines.named("certificate.renewed")
    assert (line["level"], line["listener"]) == ("info", "127.0.0.1:0")


async def test_its_end_is_among_the_metrics(proxy: Running, issuer: Authority) -> None:
    """With those for servers."""
    sender = await proxy.sender(tls=issuer.trusting())
    await until(lambda: proxy.app.state().certificate_ends)
    end = ssl.cert_time_to_seconds(str((sender.tls.getpeercert() or {})["notAfter"]))
    _, text = await proxy.ask_admin("/metrics")
    (family,) = [each for each in text_string_to_metric_families(text) if "credential_expiry" in each.name]
    (sample,) = family.samples
    assert list(sample.labels.values()) == ["listener 127.0.0.1:0"]
    assert sample.value <= end
