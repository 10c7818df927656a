"""With `client_ca_file` nobody is served who has no certificate of these authorities, and the log says who it was."""

import ssl
from pathlib import Path

import pytest

from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Running, Serve, document


@pytest.fixture
async def proxy(orders: Orders, issuer: Authority) -> Running:
    """A proxy that wants certificates."""
    tls = issuer.listener() | {"client_ca_file": issuer.ca_file()}
    return await orders({"listen": {"address": "0.0.0.0:0", "tls": tls}})


async def test_a_known_sender_is_served(proxy: Running, issuer: Authority) -> None:
    """Each line names its subject."""
    sender = await proxy.sender(tls=issuer.identify(issuer.trusting(), "ERP"))
    assert (await sender.ask(POST)).status == 200
    assert (await sender.ask(request(b"GET /nowhere"))).status == 404
    assert (await sender.ask(b"no http at all\r\n\r\n")).status == 400
    subjects = [line["client_certificate"] for line in await proxy.accounts(3)]
    assert subjects == [subjects[0]] * 3
    assert subjects[0].startswith("CN=ERP,OU=Testing cert")


@cases("version", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
@cases("shown", "none", "another authority's")
async def test_others_are_not(
    proxy: Running, upstream: Upstream, issuer: Authority, tmp_path: Path, version: ssl.TLSVersion, shown: str
) -> None:
    """Nothing that they sent is heard."""
    tls = issuer.trusting()
    tls.maximum_version = version
    if shown != "none":
        Authority(tmp_path).identify(tls, "ERP")
    with pytest.raises((ssl.SSLError, ConnectionError)):  # noqa: PT012 - either step may learn it
        sender = await proxy.begin(POST, tls=tls)
        assert await sender.rest() == b""
        raise ConnectionResetError
    (line,) = await proxy.lines.reach("handshake.failed")
    expected = "peer did not return a certificate" if shown == "none" else "unable to get local issuer certificate"
    assert (line["reason"], line["level"], upstream.requests) == (expected, "warning", [])


@cases("order", 1, -1)
async def test_a_route_may_want_certain_subjects(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, issuer: Authority, order: int
) -> None:
    """Others are refused before anything is sent."""
    tls = issuer.listener() | {"client_ca_file": issuer.ca_file()}
    written = document(upstream, authority) | {"listen": {"address": "127.0.0.1:0", "tls": tls}}
    first = await serve(written)
    erp = issuer.identify(issuer.trusting(), "ERP")
    await (await first.sender(tls=erp)).ask(request(b"GET /nowhere"))
    subject = (await first.record())["client_certificate"]
    assert subject.count(",") > 1
    spelled = ", ".join(subject.split(",")[::order])
    written["routes"][0]["inbound_auth"] = {"client_certificate": {"subjects": [spelled]}}

    proxy = await serve(written)
    known = await proxy.sender(tls=erp)
    other = await proxy.sender(tls=issuer.identify(issuer.trusting(), "MES"))
    refused = await other.ask(POST)
    assert (refused.status, upstream.requests, authority.requests) == (403, [], [])
    assert b"credential_refused" in refused.body
    assert (await known.ask(POST)).status == 200
