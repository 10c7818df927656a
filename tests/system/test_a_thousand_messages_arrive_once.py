"""A thousand messages of twenty senders, on two routes as two OAuth clients: each arrives once and whole."""

import asyncio
import hashlib
import random

from aiohttp import ClientSession

from tests.fakes.sender import Sender, chunked, request
from tests.system.command import Proxy

SENDERS, EACH = 20, 50


def body(number: int) -> bytes:
    """The body of a message; no two alike, most of them small."""
    chance = random.Random(number)
    return b"%d " % number + chance.randbytes(chance.choice([0, 10, 1000, 20_000, 70_000]))


def octets(number: int) -> bytes:
    """A message; every second for the other route, every third in chunks."""
    start = b"POST /%b/echo/%d" % (b"btp" if number % 2 else b"http", number)
    content = body(number)
    if number % 3:
        return request(start, body=content)
    pieces = (content[at : at + 9000] for at in range(0, len(content), 9000))
    return request(start, b"Transfer-Encoding: chunked") + chunked(*pieces)


async def send_all(port: int, first: int) -> list[int]:
    """One sender's messages, one after the other; its statuses."""
    sender = await Sender.connect(port)
    statuses = []
    for number in range(first, first + EACH):
        answer = await sender.ask(octets(number))
        statuses.append(answer.status)
        assert answer.body == body(number)
    sender.leave()
    return statuses


async def test_a_thousand_messages_arrive_once(proxy: Proxy, control: ClientSession) -> None:
    """With one grant for each OAuth client."""
    statuses = await asyncio.gather(*(send_all(proxy.port, sender * EACH) for sender in range(SENDERS)))
    assert statuses == [[200] * EACH] * SENDERS
    async with control.get("/messages?last=2000") as answer:
        report = await answer.json()
    assert report["total"] == SENDERS * EACH
    arrived = [(each["target"], each["oauth_client"], each["body_sha256"]) for each in report["messages"]]
    (btp_client,) = {each["oauth_client"] for each in report["messages"]} - {"sandbox-neo-client"}
    assert sorted(arrived) == sorted(
        (
            f"/http/echo/{number}",
            btp_client if number % 2 else "sandbox-neo-client",
            hashlib.sha256(body(number)).hexdigest(),
        )
        for number in range(SENDERS * EACH)
    )
    async with control.get("/grants") as answer:
        grants = await answer.json()
    assert [counts["granted"] for counts in grants.values()] == [1, 1]
    async with control.get("/runs") as answer:
        assert await answer.json() == {"/echo/*": SENDERS * EACH}
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{proxy.admin_port}/metrics") as answer:
        metrics = await answer.text()
    for route in ("btp", "http"):
        labels = f'made_by="upstream",method="POST",route="{route}",status="200"'
        assert f"cpi_proxy_exchanges_total{{{labels}}} 500.0" in metrics
    finished = [line for line in (await proxy.stop()).errors.splitlines() if '"exchange.finished"' in line]
    assert len(finished) == SENDERS * EACH
