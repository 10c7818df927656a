"""Calls that wait for each other are made in one transaction: the next batch gathers while one is committed.

Each transaction that changes what is counted locks the rows of its routes first, in their order. So messages of a
route are numbered in the order of their commits, over all replicas, and no two replicas wait for each other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from proxy.outbox.postgres.failures import FAILURES, failure_of
from proxy.outbox.postgres.transaction import Owner, Transaction
from proxy.store.postgres.connecting import Connection
from proxy.store.postgres.database import Database
from proxy.store.postgres.transactions import transact

MOST = 256
"Calls in one transaction."
WITHIN = 3.0
"Seconds for a transaction: longer than it may wait for those of other replicas."

Work = Callable[[Transaction, Sequence[Any]], Awaitable[Sequence[Any]]]
"Makes calls of one kind. Returns for each its result, or an exception."


@dataclass(slots=True, eq=False)
class Call:
    """What is to be done, and who waits for it."""

    work: Work
    value: Any
    route: str | None
    "To be locked."
    done: "asyncio.Future[Any]" = field(repr=False)


class Batches:
    """Makes calls in groups, from `start` to `close`."""

    def __init__(self, database: Database, owner: Owner, committed: Callable[[set[str]], None]) -> None:
        """`committed` gets the routes of which something may be due."""
        self._database, self._owner, self._committed = database, owner, committed
        self._waiting: list[Call] = []
        self._called = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def start(self) -> None:
        """Begins to make calls."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def submit(self, work: Work, value: Any, *, route: str | None = None) -> "asyncio.Future[Any]":
        """Makes a call with the next batch. The future has its result, or the ProxyError of what failed."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._is_closing:
            done.set_exception(failure_of(RuntimeError("it is closed")))
            return done
        self._waiting.append(Call(work, value, route, done))
        self._called.set()
        return done

    async def close(self) -> None:
        """Makes what was called before, and no more."""
        self._is_closing = True
        self._called.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting or not self._is_closing:
            await self._called.wait()
            self._called.clear()
            while self._waiting:
                calls, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._make(calls)

    async def _make(self, calls: Sequence[Call]) -> None:
        transaction = Transaction(self._owner)
        try:
            results = await transact(self._database, partial(_all, transaction, calls), within=WITHIN)
        except FAILURES as error:
            for call in calls:
                _end(call.done, failure_of(error))
            return
        except Exception as error:  # noqa: BLE001 - a fault must not end all calls to come: who waits is told
            for call in calls:
                _end(call.done, error)
            return
        for call, result in zip(calls, results, strict=True):
            _end(call.done, result)
        self._committed(transaction.due)


async def _all(transaction: Transaction, calls: Sequence[Call], connection: Connection) -> Sequence[Any]:
    await transaction.begin(connection, {call.route for call in calls if call.route is not None})
    by_work: dict[Work, list[int]] = defaultdict(list)
    for number, call in enumerate(calls):
        by_work[call.work].append(number)
    results: list[Any] = [None] * len(calls)
    for work, numbers in by_work.items():
        found = await work(transaction, [calls[number].value for number in numbers])
        for number, result in zip(numbers, found, strict=True):
            results[number] = result
    await transaction.end()
    return results


def _end(done: "asyncio.Future[Any]", result: Any) -> None:
    if done.done():
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
