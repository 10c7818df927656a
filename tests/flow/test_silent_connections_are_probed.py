"""TCP keepalive on both sides, so that a firewall does not forget a connection whose answer takes ten minutes."""

import socket
from typing import Any

from tests.cases import cases
from tests.fakes.authority import Authority
from tests.flow.running import POST, Orders

OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
)


def probing(connection: Any) -> list[int]:
    """What the system was told of the socket of a connection."""
    found = connection._transport.get_extra_info("socket")
    return [found.getsockopt(level, name) for level, name in OPTIONS]


@cases("secure", True, False)
async def test_senders_and_upstreams_are_probed(orders: Orders, issuer: Authority, *, secure: bool) -> None:
    """After 60 s of silence, each 15 s, four times."""
    tls = {"tls": issuer.listener()} if secure else {}
    proxy = await orders({"listen": {"address": "127.0.0.1:0", **tls}})
    sender = await proxy.sender(tls=issuer.trusting() if secure else None)
    assert (await sender.ask(POST)).status == 200
    (pool,) = proxy.app.pools
    assert [probing(each) for each in (*proxy.app.senders, *pool._all)] == [[1, 60, 15, 4]] * 2
