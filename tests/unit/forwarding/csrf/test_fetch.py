"""CSRF tokens that are fetched for a sender."""

from tests.cases import cases
from tests.unit.forwarding.world import World, lines, ok, turns

REQUIRED = ok(b"csrf", b"X-CSRF-Token: Required", status=403)
GIVEN = ok(
    b"", b"X-CSRF-Token: NONCE", b"Set-Cookie: S=a%2B; Path=/http", b"Set-Cookie: T=t", b"Set-Cookie: U=; Max-Age=0"
)


async def challenged() -> World:
    """Returns a world that is fetching a CSRF token."""
    world = World()
    await world.send(body=b"abc")
    assert lines(world.asked())[0] == b"POST /http/in HTTP/1.1"
    await world.answer(REQUIRED)
    assert lines(world.asked())[0] == b"HEAD /http/in HTTP/1.1"
    return world


async def test_the_message_is_sent_again_with_token_and_session() -> None:
    """The answer is relayed."""
    world = await challenged()
    await world.answer(GIVEN)
    again = world.asked()
    assert b"X-CSRF-Token: NONCE" in lines(again)
    assert b"Cookie: S=a%2B; T=t" in lines(again)
    assert again.endswith(b"\r\n\r\nabc")

    await world.answer(ok(b"done"))
    assert world.over
    assert world.sender.received.endswith(b"done")
    world.check(replays=("fetch_csrf",), attempts=2)


@cases("refusal", 405, 501)
async def test_get_is_tried_where_head_is_refused(refusal: int) -> None:
    """SAP's own clients do the same."""
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

    world.check(status=403)
    assert world.sender.received.endswith(b"csrf")


@cases(
    "answer",
    {
        "a refusal": REQUIRED.removesuffix(b"csrf"),
        "no token": ok(b""),
        "an echo": ok(b"", b"X-CSRF-Token: Fetch"),
        "a demand with 200": ok(b"", b"X-CSRF-Token: Required"),
        "no HTTP": b"junk\r\n\r\n",
    },
)
async def test_without_a_token_the_403_is_relayed(answer: bytes) -> None:
    """Nothing else is tried."""
    world = await challenged()
    await world.answer(answer)

    assert world.over
    assert world.sender.received.endswith(b"csrf")
    world.check(status=403, replays=())
    assert len(world.pool.made) == 2


async def test_a_sender_that_leaves_does_not_end_the_fetch() -> None:
    """Other exchanges may wait for it."""
    world = await challenged()
    await world.leave()
    await world.answer(GIVEN)

    assert world.route.csrf.unit(b"Bearer t1") is not None
    world.check(status=499)
    assert lines(world.asked())[0][:4] == b"HEAD"


async def test_a_fetch_that_hangs_is_given_up_soon() -> None:
    """After `connect_timeout` the 403 is relayed."""
    world = await challenged()
    world.pool.loop.advance(9)
    await turns()
    assert not world.crashes
    world.pool.loop.advance(2)
    await turns()

    world.check(status=403)
    assert world.sender.received.endswith(b"csrf")


OWN = (b"Cookie", b"cpi.orders~S=mine; cpi.orders~T=t")


async def test_a_sender_with_cookies_keeps_its_session() -> None:
    """The token is fetched within it."""
    world = World()
    await world.send("POST /orders", OWN, body=b"abc")
    await world.answer(REQUIRED)
    assert b"Cookie: S=mine; T=t" in lines(world.asked())
    await world.answer(ok(b"", b"X-CSRF-Token: NONCE", b"Set-Cookie: S=new"))
    again = lines(world.asked())
    assert [line for line in again if b"ook" in line or b"CSRF" in line] == [
        b"X-CSRF-Token: NONCE",
        b"Cookie: T=t; S=new",
    ]
    await world.answer(ok(b"done", b"Set-Cookie: U=u"))
    received = lines(world.sender.received)
    assert [line for line in received if b"ook" in line] == [
        b"Set-Cookie: cpi.orders~S=new",
        b"Set-Cookie: cpi.orders~U=u",
    ]
    assert world.over
    assert world.route.csrf.unit(b"Bearer t1") is None


async def test_a_sender_with_cookies_does_not_get_our_session() -> None:
    """The route has one."""
    world = await challenged()
    await world.answer(GIVEN)
    await world.answer(ok())
    await world.send("POST /orders", OWN, body=b"abc")

    assert [line for line in lines(world.asked()) if b"ook" in line or b"CSRF" in line] == [b"Cookie: S=mine; T=t"]


async def test_a_streamed_message_of_a_sender_with_cookies_is_no_reason_to_fetch() -> None:
    """The next exchange could not use the token."""
    world = World(buffer=1)
    await world.send("POST /orders", OWN, body=b"abc")
    await world.answer(REQUIRED)

    world.check(status=403)
    assert len(world.pool.made) == 1


async def test_a_sender_that_leaves_during_the_fetch_within_its_session_is_told_nothing() -> None:
    """Its message is not sent again."""
    world = World()
    await world.send("POST /orders", OWN, body=b"abc")
    await world.answer(REQUIRED)
    await world.leave()
    await world.answer(GIVEN)

    world.check(status=499)
    assert lines(world.asked())[0][:4] == b"HEAD"
    assert not any(each.leased for each in world.pool.made)


async def test_a_fetch_is_shared_by_path() -> None:
    """Its query does not matter."""
    world = await challenged()
    await world.send("POST /orders?other", body=b"def")
    second = world.asked()
    assert lines(second)[0] == b"POST /http/in?other HTTP/1.1"
    await world.answer(REQUIRED)

    assert world.asked() == second
