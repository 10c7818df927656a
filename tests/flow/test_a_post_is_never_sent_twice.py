"""Once an octet of it was written, a POST is sent again only after an answer that says it was not taken."""

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.upstream import Line, Upstream, answer, hang_up, reset
from tests.flow.running import Running

IDEMPOTENT = [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"]


@cases("ending", hang_up, reset)
@cases("method", b"POST", b"PATCH", b"MERGE")
async def test_a_connection_lost_after_the_request_is_a_502(
    plain: Running, upstream: Upstream, method: bytes, ending: Line
) -> None:
    """Only the sender knows whether it may be repeated."""
    upstream.follow(ending, answer())
    refused = await plain.ask(request(method + b" /orders", body=b"x"))
    assert refused.refusal == (502, "upstream_closed")
    assert refused.field(b"Proxy-Status") == [b'here; error=connection_terminated; details="upstream_closed"']
    assert len(upstream.requests) == 1


@cases("ending", hang_up, reset)
@cases("method", *IDEMPOTENT)
async def test_an_idempotent_request_is_tried_once_more(
    plain: Running, upstream: Upstream, method: bytes, ending: Line
) -> None:
    """RFC 9110 §9.2.2 allows it."""
    upstream.follow(ending, answer())
    relayed = await plain.ask(request(method + b" /orders", body=b"x"))
    assert relayed.status == 200
    assert [(each.method, bytes(each.body), each.connection) for each in upstream.requests] == [
        (method, b"x", 1),
        (method, b"x", 2),
    ]


async def test_the_tenant_may_close_idle_connections_at_any_time(proxy: Running, tenant: Tenant) -> None:
    """No message fails or comes twice."""
    senders = [await proxy.sender() for _ in range(20)]
    for number in range(3):
        for each in senders:
            assert (await each.ask(request(b"POST /http/invoices", body=b"%d" % number))).status == 200
        tenant.close_idle()
    assert tenant.runs() == {"/invoices": 60}
