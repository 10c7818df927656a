"""The life of an exchange, over connections of memory."""

import json

from proxy.errors import SenderLeft
from tests.cases import cases
from tests.unit.forwarding.world import MemorySender, World, connected, lines, ok

UNAUTHORIZED = ok(b"401", status=401)
REQUIRED = ok(b"csrf", b"x-csrf-token: required", status=403)


def told(world: World) -> tuple[int, str]:
    """Returns (status, code) of our own answer."""
    assert world.over
    head, _, content = world.sender.received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(content)["code"]


async def test_a_refused_token_is_renewed_and_the_message_sent_again_once() -> None:
    """The second answer is relayed."""
    world = World()
    await world.send(body=b"abc")
    await world.answer(UNAUTHORIZED)
    again = world.asked()
    assert b"Authorization: Bearer t2" in lines(again)
    assert again.endswith(b"abc")
    await world.answer(UNAUTHORIZED)

    assert world.over
    assert world.sender.received.endswith(b"401")
    world.check(token="renewed", replays=("renew_token",), attempts=2)
    assert len(world.source.refused) == 2


async def test_a_token_too_young_is_not_renewed() -> None:
    """The next token would not be better."""
    world = World()
    world.source.young = True
    await world.send(body=b"abc")
    await world.answer(UNAUTHORIZED)

    world.check(status=401, attempts=1)


async def with_unit() -> World:
    """Returns a world whose route has a CSRF unit."""
    world = World()
    await world.send(body=b"abc")
    await world.answer(REQUIRED)
    await world.answer(ok(b"", b"X-CSRF-Token: N1", b"Set-Cookie: S=1"))
    await world.answer(ok(b"done", b"Set-Cookie: S=2", b"Set-Cookie: L=3"))
    assert world.over
    return world


async def test_the_next_message_uses_the_unit_at_once() -> None:
    """It has the cookies as answers have updated them."""
    world = await with_unit()
    assert [line for line in lines(world.sender.received) if b"ook" in line] == [b"Set-Cookie: cpi.orders~L=3"]
    await world.send(body=b"abc")
    sent = world.asked()

    assert b"X-CSRF-Token: N1" in lines(sent)
    assert b"Cookie: S=2" in lines(sent)


@cases("method", "GET", "HEAD", "OPTIONS")
async def test_safe_methods_do_without_the_unit(method: str) -> None:
    """The upstream accepts them without."""
    world = await with_unit()
    await world.send(f"{method} /orders")
    sent = world.asked()

    assert b"X-CSRF-Token" not in sent


@cases("start, answer", ("GET /other", (404, "route_unknown")), ("GET /orders/../x", (400, "target_outside_route")))
async def test_a_refusal_reads_and_fetches_nothing(start: str, answer: tuple[int, str]) -> None:
    """The connection stays open."""
    world = World()
    await world.send(start)

    assert told(world) == answer
    assert not world.sender.closing
    assert world.pool.made == []


async def test_a_refusal_before_the_end_of_the_request_ends_the_connection() -> None:
    """The rest of the request is not read."""
    world = World()
    await world.send("POST /other", body=None, length=10)

    assert told(world) == (404, "route_unknown")
    assert world.sender.closing
    assert b"Connection: close" in lines(world.sender.received)


async def test_a_sender_that_leaves_within_its_request_is_told_nothing() -> None:
    """The status is 499."""
    world = World()
    await world.send(body=None, length=10)
    await world.change(lambda body: body.push(b"abc"))
    await world.change(lambda body: body.fail(SenderLeft()))

    world.check(status=499, made_by="sender", bytes_in=3)
    assert (world.sender.received, world.pool.made) == (b"", [])


async def test_a_body_that_grows_too_large_is_refused_and_cut() -> None:
    """The upstream sees an incomplete request."""
    world = World(buffer=1, max_body=4)
    await world.send(body=None)
    await world.change(lambda body: body.push(b"abc"))
    await world.change(lambda body: body.push(b"de"))

    assert told(world) == (413, "body_too_large")
    assert world.sender.closing
    assert world.asked().endswith(b"\r\n\r\n3\r\nabc\r\n")
    assert connected(world.connection).aborted


async def test_a_bug_of_ours_closes_the_record_and_is_raised() -> None:
    """The exchange sends no answer."""
    world = World()
    world.source.kept, world.source.error = None, LookupError("x")  # type: ignore[assignment]
    await world.send()

    assert [type(each) for each in world.crashes] == [LookupError]
    assert (len(world.accounts), world.sender.received) == (1, b"")


@cases("end", "answer", "failure", "crash", "sender gone", "body too large")
async def test_a_slot_is_released_however_the_exchange_ends(end: str) -> None:
    """The next exchange gets it."""
    world = World(max_concurrency=1, max_body=4)
    match end:
        case "answer":
            await world.send(body=b"abc")
            await world.answer(ok())
        case "failure":
            await world.send(body=b"abc")
            await world.lose()
        case "crash":
            world.source.kept, world.source.error = None, LookupError("x")  # type: ignore[assignment]
            await world.send()
            world.source.error = None
            world.crashes.clear()
            world.accounts.clear()
        case "sender gone":
            await world.send(body=None, length=3)
            await world.change(lambda body: body.fail(SenderLeft()))
        case _:
            await world.send(body=None)
            await world.change(lambda body: body.push(b"abcde"))
    world.sender = MemorySender()
    await world.send(body=b"abc")
    await world.answer(ok(b"served"))

    world.check(status=200)


async def test_a_request_that_came_back_is_a_loop_and_no_load() -> None:
    """It would wait for itself."""
    world = World(max_concurrency=1)
    await world.send(body=b"abc")
    world.sender = MemorySender()
    await world.send("POST /orders", (b"Via", b"1.1 cpi-test"), body=b"abc")

    assert told(world) == (508, "loop")
