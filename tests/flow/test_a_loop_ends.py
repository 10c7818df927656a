"""Every request carries our name in Via (RFC 9110 §7.6.3); one that comes with it has been here before."""

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Serve, document


async def test_a_proxy_that_delivers_to_itself_answers_508(serve: Serve, authority: AuthorizationServer) -> None:
    """Two of one name stand for one; the answer to the second pass is relayed by the first."""
    first = await serve(document("http://127.0.0.1:1", authority, path="/"))
    second = await serve(document(f"http://127.0.0.1:{first.port}", authority, path="/"))
    refused = await (await second.sender()).ask(request(b"POST /a", body=b"x"))
    assert (refused.status, refused.code) == (508, "loop")
    assert refused.field(b"Proxy-Status") == []  # of the second pass, which is the first one's upstream
    assert (await second.record())["made_by"] == "upstream"


@pytest.mark.parametrize(
    "via", [b"Via: 1.1 other, 1.0 here", b"via: HTTP/1.1 here (cpi-oauth-proxy)", b"Via: 1.1 other\r\nVia: 1.1 here"]
)
async def test_our_name_is_found_wherever_it_stands(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, via: bytes
) -> None:
    """Among others, in any of several fields, with a comment behind."""
    proxy = await serve(document(upstream, authority))
    refused = await (await proxy.sender()).ask(request(b"POST /orders", via, body=b"x"))
    assert (refused.status, refused.code, upstream.requests) == (508, "loop", [])


@pytest.mark.parametrize("via", [b"1.1 elsewhere", b"1.1 here.example", b"1.1 there, 1.1 nohere", b"here", b", ,"])
async def test_other_names_are_kept_in_front_of_ours(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, via: bytes
) -> None:
    """A proxy before us is no loop."""
    proxy = await serve(document(upstream, authority))
    assert (await (await proxy.sender()).ask(request(b"POST /orders", b"Via: " + via, body=b"x"))).status == 200
    assert upstream.requests[0].field(b"Via") == [via, b"1.1 here"]
