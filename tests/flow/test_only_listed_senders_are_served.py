"""Address lists of routes and listeners; behind trusted proxies the address that they name counts."""

from typing import Any

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Serve, document

HERE, ELSEWHERE = ["127.0.0.0/8"], ["192.0.2.0/24", "2001:db8::/32"]


@cases("allow, status", (HERE, 200), (ELSEWHERE, 403), ([*ELSEWHERE, "127.0.0.1"], 200))
async def test_a_route_serves_the_senders_on_its_list(
    orders: Orders, upstream: Upstream, authority: AuthorizationServer, allow: list[str], status: int
) -> None:
    """Others get a 403, and no token is asked for."""
    proxy = await orders(allow=allow)
    answer = await proxy.ask(POST)
    assert (answer.status, len(upstream.requests), len(authority.requests)) == (
        (200, 1, 1) if status == 200 else (403, 0, 0)
    )
    if status == 403:
        assert answer.code == "sender_not_allowed"
        assert answer.field(b"Proxy-Status") == [b'here; error=http_request_denied; details="sender_not_allowed"']


async def test_a_listener_serves_the_senders_on_its_list(orders: Orders) -> None:
    """Each its own; others are told before they ask."""
    listeners = [{"address": "127.0.0.1:0", "allow": HERE}, {"address": "127.0.0.1:0", "allow": ELSEWHERE}]
    proxy = await orders({"listen": listeners})
    first, second = (each.port for each in proxy.app.listeners)
    assert (await (await proxy.sender(first)).ask(POST)).status == 200
    refused = await (await proxy.sender(second)).answer()
    assert refused.refusal == (403, "sender_not_allowed")


@cases(
    "trusted, fields, status",
    ([], (b"X-Forwarded-For: 192.0.2.7",), 403),
    (HERE, (b"X-Forwarded-For: 192.0.2.7",), 200),
    (HERE, (b"X-Forwarded-For: 192.0.2.7, 9.9.9.9",), 403),
)
async def test_behind_trusted_proxies_the_rightmost_other_address_is_the_sender(
    serve: Serve,
    upstream: Upstream,
    authority: AuthorizationServer,
    trusted: list[str],
    fields: tuple[bytes, ...],
    status: int,
) -> None:
    """Anybody may have written the rest."""
    settings: dict[str, Any] = document(upstream, authority, allow=ELSEWHERE) | {"trusted_proxies": trusted}
    proxy = await serve(settings)
    answer = await proxy.ask(request(b"POST /orders", *fields, body=b"x"))
    assert answer.status == status
