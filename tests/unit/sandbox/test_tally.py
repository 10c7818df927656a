"""Counting and waiting for a count."""

import asyncio

from proxy.sandbox.tally import Tally


async def test_a_waiter_goes_on_when_the_count_is_reached_and_not_before() -> None:
    """Other names do not count."""
    tally = Tally()
    waiter = asyncio.create_task(tally.reach("a", 2))
    for name in ("a", "b"):
        tally.add(name)
        await asyncio.sleep(0)
    assert not waiter.done()
    tally.add("a")
    await waiter
    assert tally.as_dict() == {"a": 2, "b": 1}


async def test_a_count_that_has_been_reached_is_not_waited_for() -> None:
    """Clearing begins at zero again."""
    tally = Tally()
    tally.add("a")
    await tally.reach("a", 1)
    tally.clear()
    assert tally["a"] == 0
