"""Slow checks of passwords: in threads, few at a time, and no more waiting than can be served.

A check takes a processor for 100 ms or more, and with argon2 much memory. Whoever guesses passwords gets as far as a
queue that has an end, of which one sender (see `counted_as`) takes a part only.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from proxy.errors import Overloaded
from proxy.forwarding.limits.rate import counted_as

AT_A_TIME = 2
MOST = 64
"Checks that are running or waiting."
MOST_OF_ONE = 8
"Of one sender."


class PasswordChecks:
    """Runs checks until it is closed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="password")
        self._by_sender: Counter[str] = Counter()

    def begin(self, address: str, check: Callable[[], bool]) -> "asyncio.Future[bool]":
        """What the check says, later; Overloaded if too many are waiting. A Unix socket's address is one too."""
        sender = counted_as(address)
        if self._by_sender.total() >= MOST or self._by_sender[sender] >= MOST_OF_ONE:
            raise Overloaded("Too many passwords are being checked; send it again a little later.", retry_after=1)
        self._by_sender[sender] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, check)
        future.add_done_callback(partial(self._ended, sender))
        return future

    async def close(self) -> None:
        """Ends when the running checks have; those that wait are cancelled."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _ended(self, sender: str, _future: object) -> None:
        self._by_sender[sender] -= 1
        if not self._by_sender[sender]:
            del self._by_sender[sender]
