"""Shared tokens in memory, with a clock of their own, for several replicas."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.store.keys import Keys, parse_keys
from proxy.store.tokens import Sealed, StoreUnreachable, TokenRow
from tests.fakes.clock import HandClock

KEY, OTHER_KEY = b"QUFB" * 10 + b"QUE=", b"QkJC" * 10 + b"QkI="


def keys(*texts: bytes) -> Keys:
    """Of a file with these lines."""
    return parse_keys(b"\n".join(texts or (KEY,)))


async def at_once(operation: str, effect: Callable[[], object]) -> object:
    """Without a delay."""
    del operation
    return effect()


async def turn(seconds: float) -> None:
    """Of the event loop."""
    del seconds
    await asyncio.sleep(0)


@dataclass
class Row:
    """With the store's times."""

    generation: int = 0
    token: Sealed | None = None
    asked: float = 0.0
    owner: bytes | None = None
    lease_until: float = 0.0
    failure: Sealed | None = None
    failures: int = 0
    retry_at: float = 0.0


class MemoryTokenStore:
    """As one replica sees PostgreSQL; replicas share `rows` and `clock`."""

    def __init__(self, clock: HandClock, rows: dict[bytes, Row] | None = None) -> None:
        self.clock = clock
        self.rows: dict[bytes, Row] = {} if rows is None else rows
        self.is_available = True
        self.calls: Counter[str] = Counter()
        self.through: Callable[[str, Callable[[], object]], Awaitable[object]] = at_once
        "Has each operation happen, at once or later, or fail."
        self.wait: Callable[[float], Awaitable[object]] = turn
        "How a replica waits for a change."

    def name_of(self, identity: bytes) -> bytes:
        if not self.is_available:
            raise StoreUnreachable("switched off")
        return hashlib.sha256(identity).digest()

    async def look(self, name: bytes) -> TokenRow:

        def effect() -> TokenRow:
            row, now = self.rows.get(name, Row()), self.clock.monotonic()
            return TokenRow(
                now=now,
                generation=row.generation,
                token=row.token,
                age=now - row.asked,
                lease_left=max(0.0, row.lease_until - now) if row.owner else 0.0,
                failure=row.failure,
                failures=row.failures,
                pause_left=max(0.0, row.retry_at - now),
            )

        return await self._do("look", effect)  # type: ignore[return-value]

    async def acquire(self, name: bytes, owner: bytes, seconds: float) -> bool:
        """If it is free."""

        def effect() -> bool:
            row, now = self.rows.setdefault(name, Row()), self.clock.monotonic()
            if row.owner and row.lease_until > now:
                return False
            row.owner, row.lease_until = owner, now + seconds
            return True

        return bool(await self._do("acquire", effect))

    async def extend(self, name: bytes, owner: bytes, seconds: float) -> bool:

        def effect() -> bool:
            row = self.rows[name]
            if row.owner == owner:
                row.lease_until = self.clock.monotonic() + seconds
            return row.owner == owner

        return bool(await self._do("extend", effect))

    async def publish(self, name: bytes, owner: bytes, *, generation: int, token: Sealed, asked_at: float) -> bool:

        def effect() -> bool:
            row = self.rows[name]
            if row.owner != owner or row.generation != generation - 1:
                return False
            self.rows[name] = Row(generation, token, asked=asked_at)
            return True

        return bool(await self._do("publish", effect))

    async def publish_failure(
        self, name: bytes, owner: bytes, *, generation: int, failure: Sealed, seconds: float
    ) -> bool:
        def effect() -> bool:
            row = self.rows[name]
            if row.owner != owner or row.generation != generation:
                return False
            row.owner, row.failure, row.failures = None, failure, row.failures + 1
            row.retry_at = self.clock.monotonic() + seconds
            return True

        return bool(await self._do("publish_failure", effect))

    async def release(self, name: bytes, owner: bytes) -> None:

        def effect() -> None:
            row = self.rows[name]
            if row.owner == owner:
                row.owner = None

        await self._do("release", effect)

    async def forget(self, name: bytes, generation: int) -> None:
        """If it is of this generation."""

        def effect() -> None:
            row = self.rows.get(name, Row())
            if row.generation == generation:
                row.token = None

        await self._do("forget", effect)

    async def changed(self, name: bytes, seconds: float) -> None:
        """There are no notifications."""
        del name
        assert 0 < seconds <= 0.25
        await self.wait(seconds)

    async def _do(self, operation: str, effect: Callable[[], object]) -> object:
        self.calls[operation] += 1
        if not self.is_available:
            raise StoreUnreachable("switched off")
        return await self.through(operation, effect)
