"""Checks passwords against bcrypt and argon2 hashes: in threads, few at a time, with a bounded queue.

A check takes a processor for 100 ms or more, and argon2 much memory as well. Guessing passwords fills the queue only up
to its limit, and one sender (see `counted_as`) only its share of it.
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
BCRYPT_READS = 72
"Bytes of a password. htpasswd and crypt ignore the rest, and newer versions of bcrypt refuse it."


class PasswordChecks:
    """Runs checks until it is closed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="password")
        self._by_sender: Counter[str] = Counter()

    def begin(self, address: str, check: Callable[[], bool]) -> "asyncio.Future[bool]":
        """Returns the future result of a check. Raises Overloaded if too many are waiting.

        All senders on Unix sockets, whose address is "", count as one.
        """
        sender = counted_as(address)
        if self._by_sender.total() >= MOST or self._by_sender[sender] >= MOST_OF_ONE:
            raise Overloaded("Too many passwords are being checked; send the request again later.", retry_after=1)
        self._by_sender[sender] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, check)
        future.add_done_callback(partial(self._ended, sender))
        return future

    async def close(self) -> None:
        """Waits for running checks and cancels waiting ones."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _ended(self, sender: str, _future: object) -> None:
        self._by_sender[sender] -= 1
        if not self._by_sender[sender]:
            del self._by_sender[sender]


def matches(hashed: str, password: bytes) -> bool:
    """Whether a password belongs to a hash. Takes long; both packages compare in constant time.

    They are loaded when first needed, because most proxies never need them.
    """
    return _matches_argon2(hashed, password) if hashed.startswith("$argon2") else _matches_bcrypt(hashed, password)


def _matches_bcrypt(hashed: str, password: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 - see `matches`

    try:
        return bcrypt.checkpw(password[:BCRYPT_READS], hashed.encode())
    except ValueError:  # the salt is invalid
        return False


def _matches_argon2(hashed: str, password: bytes) -> bool:
    from argon2 import PasswordHasher  # noqa: PLC0415 - see `matches`
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
