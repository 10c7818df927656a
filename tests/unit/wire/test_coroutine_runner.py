"""Running an exchange without a task."""

import asyncio
from collections.abc import Awaitable, Callable

from proxy.wire.coroutine_runner import CoroutineRunner, woken
from tests.cases import cases


class Journal:
    """Runs a coroutine function and keeps what happened."""

    def __init__(self, body: Callable[["Journal"], Awaitable[None]]) -> None:
        self.lines: list[str] = []
        self.ends: list[BaseException | None] = []
        self.run = CoroutineRunner(self._go(body), self.ends.append)

    async def _go(self, body: Callable[["Journal"], Awaitable[None]]) -> None:
        await body(self)


async def until_told(journal: Journal) -> None:
    """Wait for the bell until `enough` has been written."""
    while "enough" not in journal.lines:
        journal.lines.append("looked")
        await woken()


def test_nothing_happens_before_the_start() -> None:
    """A ring before that is lost."""
    journal = Journal(until_told)
    journal.run.wake()
    assert journal.lines == []

    journal.run.start()
    assert journal.lines == ["looked"]

    journal.lines.append("enough")
    journal.run.wake()


def test_each_ring_makes_it_look_once() -> None:
    """Inside the very call that rings."""
    journal = Journal(until_told)
    journal.run.start()
    journal.run.wake()
    journal.run.wake()
    assert (journal.lines, journal.ends) == (["looked"] * 3, [])

    journal.lines.append("enough")
    journal.run.wake()

    assert journal.ends == [None]


def test_a_ring_while_it_runs_does_not_enter_it_again() -> None:
    """It will look anyway."""

    async def rings_itself(journal: Journal) -> None:
        journal.run.wake()
        journal.lines.append("after")
        await woken()

    journal = Journal(rings_itself)
    journal.run.start()
    assert (journal.lines, journal.ends) == (["after"], [])

    journal.run.wake()
    assert journal.ends == [None]


def test_it_ends_once_and_rings_after_that_do_nothing() -> None:
    """A connection may ring when its exchange is over."""
    journal = Journal(until_told)
    journal.lines.append("enough")
    journal.run.start()

    journal.run.wake()
    journal.run.wake()

    assert journal.ends == [None]


@cases("error", LookupError("x"), asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1))
@cases("rings", 0, 1)
def test_whatever_is_raised_is_given_to_its_owner(error: BaseException, rings: int) -> None:
    """Nothing escapes into the caller."""

    async def raising(_journal: Journal) -> None:
        for _ in range(rings):
            await woken()
        raise error

    journal = Journal(raising)
    journal.run.start()
    for _ in range(rings):
        journal.run.wake()

    assert journal.ends == [error]


async def test_it_waits_for_futures_and_not_for_the_bell_meanwhile() -> None:
    """It looks when the future is done."""
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def waits(journal: Journal) -> None:
        journal.lines.append(await future)

    journal = Journal(waits)
    journal.run.start()
    journal.run.wake()
    assert journal.lines == []

    future.set_result("done")
    await asyncio.sleep(0)

    assert (journal.lines, journal.ends) == (["done"], [None])


async def test_a_futures_failure_is_raised_inside() -> None:
    """Where the coroutine can deal with it."""
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def waits(journal: Journal) -> None:
        try:
            await future
        except LookupError:
            journal.lines.append("caught")

    journal = Journal(waits)
    journal.run.start()
    future.set_exception(LookupError())
    await asyncio.sleep(0)

    assert (journal.lines, journal.ends) == (["caught"], [None])


async def test_a_cancelled_task_that_is_waited_for_ends_the_run() -> None:
    """As any other error."""
    task = asyncio.create_task(asyncio.Event().wait())

    async def waits(_journal: Journal) -> None:
        await task

    journal = Journal(waits)
    journal.run.start()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)

    assert [type(each) for each in journal.ends] == [asyncio.CancelledError]
