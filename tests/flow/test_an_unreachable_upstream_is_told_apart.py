"""Where no connection comes about, the answer says why; nothing was sent, and all methods are tried once more."""

import socket

import pytest

from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Serve, document


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def test_a_refused_connection_is_a_502(orders: Orders, closed_port: int) -> None:
    """With code, Proxy-Status and a sentence."""
    proxy = await orders(upstream=f"http://127.0.0.1:{closed_port}")
    refused = await proxy.ask(POST)
    assert refused.refusal == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_refused; details="upstream_unreachable"']
    assert refused.problem["detail"] == (
        f"127.0.0.1:{closed_port} refused the connection; is it running, and is the port in `upstream` right?"
    )
    assert (await proxy.record())["replays"] == "reconnect"


async def test_a_name_that_does_not_resolve_is_a_502(orders: Orders) -> None:
    """`.invalid` never does (RFC 6761 §6.4)."""
    proxy = await orders(upstream="https://tenant.invalid")
    refused = await proxy.ask(POST)
    assert refused.refusal == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=dns_error; details="upstream_unreachable"']


async def test_a_certificate_that_is_not_trusted_is_a_502(orders: Orders, issuer: Authority) -> None:
    """The request is not sent."""
    async with Upstream(tls=issuer.server()) as upstream:
        proxy = await orders(upstream=upstream)
        refused = await proxy.ask(POST)
        assert upstream.requests == []
    assert refused.refusal == (502, "upstream_unreachable")
    assert refused.field(b"Proxy-Status") == [b'here; error=tls_certificate_error; details="upstream_unreachable"']
    assert "set `tls.ca_file`, or `ca_file` at the top level (CPI_CA_FILE), to" in refused.problem["detail"]


async def test_one_ca_file_is_trusted_for_token_endpoint_and_upstream(serve: Serve, issuer: Authority) -> None:
    """A reload without it trusts the system's again."""
    tls = issuer.server()
    async with Upstream(tls=tls) as upstream, AuthorizationServer(tls=tls) as authority:
        without = document(upstream, f"https://127.0.0.1:{authority.port}/token")
        proxy = await serve(without | {"ca_file": issuer.ca_file()})
        sender = await proxy.sender()
        assert (await sender.ask(POST)).status == 200
        await proxy.reload(without)
        assert (await sender.ask(POST)).status == 502
