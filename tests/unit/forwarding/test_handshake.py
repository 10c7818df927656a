"""The CSRF handshake that we do for a sender."""

import pytest

from proxy.forwarding.handshake import fetch_head
from proxy.forwarding.request import Prepared
from tests.unit.forwarding.world import World, lines, ok

REQUIRED = ok(b"csrf", b"X-CSRF-Token: Required", status=403)
GIVEN = ok(
    b"", b"X-CSRF-Token: NONCE", b"Set-Cookie: S=a%2B; Path=/http", b"Set-Cookie: T=t", b"Set-Cookie: U=; Max-Age=0"
)


def test_a_fetch_says_nothing_of_the_message_but_its_path() -> None:
    """Neither fields nor cookies of the sender; same target, Host and Via, our token."""
    prepared = Prepared(b"POST /in?a=b HTTP/1.1\r\nHost: u\r\nX-Secret: 1\r\nVia: 1.0 a\r\nVia: 1.1 me", b"S=1")

    assert fetch_head(prepared, b"Bearer t", "HEAD") == (
        b"HEAD /in?a=b HTTP/1.1\r\nHost: u\r\nVia: 1.0 a\r\nVia: 1.1 me\r\n"
        b"X-CSRF-Token: Fetch\r\nAuthorization: Bearer t\r\n\r\n"
    )


async def challenged() -> World:
    """A message that was answered with a demand for a CSRF token; the fetch is under way."""
    world = World()
    await world.send(body=b"abc")
    assert lines(world.asked())[0] == b"POST /http/in HTTP/1.1"
    await world.answer(REQUIRED)
    assert lines(world.asked())[0] == b"HEAD /http/in HTTP/1.1"
    return world


async def test_the_message_is_sent_again_with_token_and_session() -> None:
    """The unit's cookies byte for byte; its answer is relayed."""
    world = await challenged()
    await world.answer(GIVEN)
    again = world.asked()
    assert b"X-CSRF-Token: NONCE" in lines(again)
    assert b"Cookie: S=a%2B; T=t" in lines(again)
    assert again.endswith(b"\r\n\r\nabc")

    await world.answer(ok(b"done"))
    assert world.over
    assert world.sender.received.endswith(b"done")
    assert (world.account.replays, world.account.attempts) == (("fetch_csrf",), 2)


async def test_a_token_is_one_whatever_the_status_of_its_answer() -> None:
    """Tomcat's filter sets it before the request meets what is behind."""
    world = await challenged()
    await world.answer(ok(b"", b"X-CSRF-Token: N", b"Set-Cookie: S=1", status=404))
    assert b"X-CSRF-Token: N" in lines(world.asked())


@pytest.mark.parametrize("refusal", [405, 501])
async def test_get_is_tried_where_head_is_refused(refusal: int) -> None:
    """As SAP's own clients do."""
    world = await challenged()
    await world.answer(b"HTTP/1.1 %d No\r\nContent-Length: 9\r\n\r\n" % refusal)
    assert lines(world.asked())[0] == b"GET /http/in HTTP/1.1"
    await world.answer(GIVEN)

    assert b"X-CSRF-Token: NONCE" in lines(world.asked())


async def test_where_both_are_refused_the_403_is_relayed() -> None:
    """There is no third method."""
    world = await challenged()
    await world.answer(b"HTTP/1.1 405 No\r\nContent-Length: 9\r\n\r\n")
    await world.answer(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")

    assert (world.over, world.account.status, world.sender.received.endswith(b"csrf")) == (True, 403, True)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(REQUIRED.removesuffix(b"csrf"), id="a refusal"),
        pytest.param(ok(b""), id="no token"),
        pytest.param(ok(b"", b"X-CSRF-Token: Fetch"), id="an echo"),
        pytest.param(ok(b"", b"X-CSRF-Token: Required"), id="a demand with 200"),
        pytest.param(b"junk\r\n\r\n", id="no HTTP"),
    ],
)
async def test_without_a_token_the_403_is_relayed(answer: bytes) -> None:
    """It is CPI's answer, not ours; nothing else is tried."""
    world = await challenged()
    await world.answer(answer)

    assert world.over
    assert world.sender.received.endswith(b"csrf")
    assert (world.account.status, world.account.replays, len(world.pool.made)) == (403, (), 2)


async def test_a_sender_that_leaves_does_not_end_the_fetch() -> None:
    """Others may wait for it; its own message, refused so far, is not sent again."""
    world = await challenged()
    await world.leave()
    await world.answer(GIVEN)

    assert world.route.csrf.unit(b"Bearer t1") is not None
    assert (world.over, world.account.status, lines(world.asked())[0][:4]) == (True, 499, b"HEAD")
