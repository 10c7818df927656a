"""However many ask at once, one grant is made for one OAuth client."""

import asyncio

from proxy.sandbox.tenant import Tenant
from tests.fakes.sender import Answer, request
from tests.flow.running import Running, soon


async def send(proxy: Running, target: bytes) -> Answer:
    """One message over a connection of its own."""
    return await proxy.ask(request(b"POST " + target, body=b"<x/>"))


async def test_twenty_first_senders_wait_for_one_grant(proxy: Running, tenant: Tenant) -> None:
    """All are held until the token is there, and all are served with it."""
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


async def test_no_grant_is_made_before_a_message_needs_one(proxy: Running, tenant: Tenant) -> None:
    """Not at the start, nor for a request that is refused."""
    answer = await send(proxy, b"/nowhere")
    assert (answer.code, len(tenant.grants)) == ("route_unknown", 0)


async def test_a_stale_token_is_renewed_while_it_is_used(proxy: Running, tenant: Tenant) -> None:
    """In the last minutes of its life a message goes on at once, and one grant is made beside it."""
    await send(proxy, b"/http/invoices")
    proxy.clock.advance(3600 - 60)
    tenant.faults.switch_on("neo.hang")
    assert (await send(proxy, b"/http/invoices")).status == 200
    await soon(tenant.faults.struck.reach("neo.hang", 1))
    assert (await send(proxy, b"/http/invoices")).status == 200
    tenant.faults.switch_off("neo.hang")
    await proxy.lines.reach("token.granted", 2)
    assert tenant.grants.count(tenant.neo_client.client_id) == 2
    assert [line["token"] for line in await proxy.accounts(3)] == ["granted", "cached", "cached"]


async def test_an_expired_token_is_not_used(proxy: Running, tenant: Tenant) -> None:
    """A message waits for the next one."""
    await send(proxy, b"/http/invoices")
    proxy.clock.advance(3601)
    assert (await send(proxy, b"/http/invoices")).status == 200
    assert [message.status for message in tenant.messages] == [200, 200]
    assert tenant.grants.count(tenant.neo_client.client_id) == 2


async def test_a_lifetime_of_zero_means_that_none_is_told(proxy: Running, tenant: Tenant) -> None:
    """SAP's own sample says `expires_in: 0`; one grant serves all that follow."""
    tenant.faults.switch_on("neo.reply_style", "B")
    for _ in range(5):
        await send(proxy, b"/http/invoices")
    assert [message.status for message in tenant.messages] == [200] * 5
    assert tenant.grants.count(tenant.neo_client.client_id) == 1
