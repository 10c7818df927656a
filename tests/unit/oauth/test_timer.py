"""What waits for a token, on an event loop that can stand still as a stopped process does."""

import asyncio
from functools import partial

import pytest

from proxy.errors import GrantTimeout
from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.timer import LoopTimer
from proxy.oauth.token import Moment, Token
from proxy.oauth.waiters import Waiters
from tests.fakes.loop import LeapingLoop, leaping
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.sending import send

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NOW = Moment(monotonic=0, wall=0)
TOKEN = Token(authorization=b"Bearer t", obtained=NOW, fresh_until=NOW, expires=NOW)


@pytest.mark.parametrize("cut", [len(ANSWER), 1, 30])
def test_a_grant_that_was_answered_while_the_process_stood_still_is_granted(cut: int) -> None:
    """The answer is read before the OAuth client's timeout strikes, wherever it was cut."""

    async def grant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER[:cut])
        leaping().leap(100)
        await asyncio.sleep(0)
        writer.write(ANSWER[cut:])
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()

    async def scenario() -> None:
        server = await asyncio.start_server(grant, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
        async with server, TokenEndpoint(environ={}) as endpoint:
            assert (await send(endpoint, registration(token_url=url, timeout=10))).body == b"{}"
            await ended.wait()

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())


def test_a_token_that_came_while_the_process_stood_still_serves_those_who_wait() -> None:
    """Their patience is over only once the event loop has read."""

    async def scenario() -> None:
        loop, waiters = leaping(), Waiters(LoopTimer())
        waiting = asyncio.ensure_future(waiters.wait(20, partial(GrantTimeout, "late")))
        await asyncio.sleep(0)
        loop.leap(100)
        for _ in range(5):
            await asyncio.sleep(0)
        waiters.give(TOKEN)
        assert await waiting is TOKEN

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
