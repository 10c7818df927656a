"""However many ask at once, one grant is made for one OAuth client."""

import asyncio

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import Answer, request
from tests.flow.running import Running, soon


async def send(proxy: Running, target: bytes) -> Answer:
    """One message over a connection of its own."""
    return await proxy.ask(request(b"POST " + target, body=b"<x/>"))


async def test_twenty_first_senders_wait_for_one_grant(proxy: Running, tenant: Tenant) -> None:
    """All are served with it."""
    tenant.faults.switch_on("neo.hang")
    sending = [asyncio.create_task(send(proxy, b"/http/invoices")) for _ in range(20)]
    await soon(tenant.faults.struck.reach("neo.hang", 1))
    assert tenant.messages.total == 0
    tenant.faults.switch_off("neo.hang")
    answers = await asyncio.gather(*sending)
    assert [answer.status for answer in answers] == [200] * 20
    assert tenant.grants.count(tenant.neo_client.client_id) == len(tenant.grants) == 1


async def test_each_oauth_client_has_its_own_token(proxy: Running, tenant: Tenant) -> None:
    """And no route gets the other's."""
    for _ in range(2):
        await send(proxy, b"/http/invoices")
        await send(proxy, b"/btp/invoices")
    assert [message.oauth_client for message in tenant.messages] == [
        tenant.neo_client.client_id,
        tenant.btp_client.client_id,
    ] * 2
    assert [tenant.grants.count(each.client_id) for each in (tenant.neo_client, tenant.btp_client)] == [1, 1]
