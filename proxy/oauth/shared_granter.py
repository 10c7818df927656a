"""One grant for all replicas: a granter that shares tokens through a store.

It looks for a token that another replica was granted. If there is none, it takes the lease, looks again, makes the
grant and publishes the token, unless it has lost the lease meanwhile. Each published token has a number, its
generation: what was published since one looked is neither overwritten nor removed. While the store is unreachable, the
replica makes grants of its own.
"""

import asyncio
import random as chance
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from proxy.config.model import Provider
from proxy.errors import AuthorizationServerError
from proxy.oauth.shared_token import identity, open_failure, open_token, seal_failure, seal_token, shared_pause
from proxy.oauth.token import Freshness, Moment, Token
from proxy.store.keys import KeyMissing, Keys, ValueForged
from proxy.store.tokens import StoreUnreachable, TokenRow, TokenStore

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.config.model import OAuthClient
    from proxy.oauth.granter import Granter, GrantProgress

LEASE = 5.0
"Seconds; a grant may take longer, because the lease is extended meanwhile. After a crash others wait this long."
SHORTEST, LONGEST = 0.05, 0.25
"Seconds between two looks while another replica has the lease; random, so that replicas spread out."
RESPITE = 5.0
"Seconds from a refused token to a grant that would void the other replicas' tokens; a random part is added."
WATCHED = 0.25
"Seconds between two looks at whether the store is there again."


class _Held(NamedTuple):
    """The shared token that was returned last."""

    generation: int
    authorization: bytes


@dataclass(slots=True)
class _Outage:
    """How long one grant does without the store."""

    respite: float
    "Seconds that are left until a grant may void the other replicas' tokens."
    is_over: Callable[[], bool] = bool


class _Look(NamedTuple):
    """What one look at the row has found."""

    row: TokenRow
    at: float
    "Our monotonic time when the answer was there."
    token: Token | None
    "Neither expired nor refused."
    is_refused: bool
    "Whether the row's token is the one that an upstream has refused."
    is_usable: bool
    "Whether the token is fresh, and another than the one that is to be replaced."


class SharedGranter:
    """Shares the tokens of one OAuth client with other replicas; a Granter."""

    def __init__(
        self,
        client: "OAuthClient",
        granter: "Granter",
        store: TokenStore,
        *,
        keys: Callable[[], Keys],
        rejected: Callable[[ValueError], None],
        clock: "Clock",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
        new_owner: Callable[[], bytes] = lambda: secrets.token_bytes(16),
    ) -> None:
        """`rejected` gets KeyMissing and ValueForged of values in the store; `random` returns numbers from 0 to 1."""
        self._granter, self._store, self._keys, self._rejected = granter, store, keys, rejected
        self._clock, self._sleep, self._random, self._new_owner = clock, sleep, random, new_owner
        self._identity = identity(client)
        self._expiry_buffer = client.expiry_buffer
        self._voids = client.provider is Provider.NEO
        "Whether a new token may void the one before (Neo, if tokens do not expire)."
        self._held: _Held | None = None
        self._at_hand: Token | None = None
        "The token that was returned last, shared or not."
        self._spare: Token | None = None
        "The token that was there at the start, if none was needed yet."

    async def prefetch(self) -> None:
        """Looks for a token before one is needed, so that a replica that has just started can do without the store."""
        with suppress(StoreUnreachable, KeyMissing):
            self._spare = (await self._look(self._store.name_of(self._identity), None)).token

    async def grant(self, refused: Token | None, progress: "GrantProgress") -> Token:
        """Returns a token of another replica, or of a grant; StoreUnreachable never leaves."""
        outage = _Outage(respite=RESPITE * (1 + self._random()))
        while True:
            keys = self._keys()
            try:
                return await self._share(refused, progress)
            except StoreUnreachable:
                outage.is_over = lambda: self._store.is_available
            except KeyMissing as error:
                self._rejected(error)
                outage.is_over = partial(self._has_other_keys, keys)
            if (spare := self._taken_spare(refused)) is not None:
                return self._taken_over(spare, None, progress)
            if await self._must_go_alone(refused, progress, outage):
                return self._kept(await self._granter.grant(refused, progress), None)

    async def _share(self, refused: Token | None, progress: "GrantProgress") -> Token:
        """Runs the protocol until there is a token, or raises an AuthorizationServerError, its own or another's."""
        name = self._store.name_of(self._identity)
        while True:
            look = await self._look(name, refused)
            if look.is_refused:
                await self._store.forget(name, look.row.generation)
            if look.is_usable and look.token is not None:
                return self._taken_over(look.token, look.row.generation, progress)
            if failure := self._failure(look.row, name):
                raise failure
            owner = self._new_owner()
            if look.row.lease_left <= 0 and await self._store.acquire(name, owner, LEASE):
                if token := await self._grant_under_lease(name, owner, refused, progress):
                    return token
            elif look.token is not None and not self._is_held(look.row, look.token):
                return self._taken_over(look.token, look.row.generation, progress)
            else:
                await self._store.changed(name, SHORTEST + (LONGEST - SHORTEST) * self._random())

    async def _look(self, name: bytes, refused: Token | None) -> _Look:
        """Looks at the row, and at its token as the time is now."""
        now = Moment.now(self._clock)  # before the look: its time shortens the token's life, and never prolongs it
        row = await self._store.look(name)
        at = self._clock.monotonic()
        token = self._opened(row, name, now, jitter=self._random())
        if token is None or token.freshness(now) is Freshness.EXPIRED:
            return _Look(row, at, None, is_refused=False, is_usable=False)
        if self._is_refused(row, token, refused):
            return _Look(row, at, None, is_refused=True, is_usable=False)
        if not self._is_held(row, token):
            return _Look(row, at, token, is_refused=False, is_usable=token.freshness(now) is Freshness.FRESH)
        # fresh even for the earliest renewal: only our own clock was of another opinion
        token = self._opened(row, name, now, jitter=0.0) or token
        return _Look(row, at, token, is_refused=False, is_usable=token.freshness(now) is Freshness.FRESH)

    async def _grant_under_lease(
        self, name: bytes, owner: bytes, refused: Token | None, progress: "GrantProgress"
    ) -> Token | None:
        """Looks again, makes the grant and publishes it; None if the look shows that no grant is needed."""
        try:
            look = await self._look(name, refused)
            if look.is_usable or self._failure(look.row, name):
                return None
            try:
                async with self._extending(name, owner):
                    token = await self._granter.grant(refused, progress)
            except AuthorizationServerError as error:
                await self._publish_failure(name, owner, look.row, error)
                raise
            return await self._published(name, owner, look, token, refused)
        finally:
            with suppress(StoreUnreachable):
                await self._store.release(name, owner)

    @asynccontextmanager
    async def _extending(self, name: bytes, owner: bytes) -> AsyncIterator[None]:
        """Extends the lease until the grant has ended."""
        extending = asyncio.get_running_loop().create_task(self._extend(name, owner))
        try:
            yield
        finally:
            extending.cancel()
            await asyncio.wait([extending])

    async def _extend(self, name: bytes, owner: bytes) -> None:
        while True:
            await self._sleep(LEASE / 3)
            with suppress(StoreUnreachable):
                if not await self._store.extend(name, owner, LEASE):
                    return

    async def _published(self, name: bytes, owner: bytes, before: _Look, token: Token, refused: Token | None) -> Token:
        """Publishes the token and returns it; another one if that was published because the lease was lost."""
        generation, asked_at = before.row.generation + 1, before.row.now + token.obtained.monotonic - before.at
        sealed = seal_token(token, self._keys(), name=name, generation=generation)
        with suppress(StoreUnreachable, KeyMissing):
            if await self._store.publish(name, owner, generation=generation, token=sealed, asked_at=asked_at):
                return self._kept(token, generation)
            look = await self._look(name, refused)
            if look.is_usable and look.token is not None:
                return self._kept(look.token, look.row.generation)
        return self._kept(token, None)

    async def _publish_failure(self, name: bytes, owner: bytes, row: TokenRow, error: AuthorizationServerError) -> None:
        seconds = shared_pause(error, row.failures + 1)
        sealed = seal_failure(error, self._keys(), name=name, generation=row.generation)
        with suppress(StoreUnreachable):
            await self._store.publish_failure(name, owner, generation=row.generation, failure=sealed, seconds=seconds)

    async def _must_go_alone(self, refused: Token | None, progress: "GrantProgress", outage: "_Outage") -> bool:
        """Returns whether to make a grant without the store; false once the store is there again.

        A grant that may void other replicas' tokens is put off while the token at hand is good enough: until it
        expires, or until some time after an upstream has refused it.
        """
        if not self._voids:
            return True
        while self._is_live(self._at_hand) and outage.respite > 0:
            await self._sleep(WATCHED)
            if refused is not None or progress.is_awaited:
                outage.respite -= WATCHED
            if outage.is_over():
                return False
        return True

    def _has_other_keys(self, keys: Keys) -> bool:
        return self._keys() is not keys

    def _opened(self, row: TokenRow, name: bytes, now: Moment, *, jitter: float) -> Token | None:
        """Returns the row's token; None, and so a grant that replaces it, if it was tampered with."""
        try:
            return open_token(
                row, self._keys(), name=name, looked=now, expiry_buffer=self._expiry_buffer, jitter=jitter
            )
        except ValueForged as error:
            self._rejected(error)
            return None

    def _failure(self, row: TokenRow, name: bytes) -> AuthorizationServerError | None:
        try:
            return open_failure(row, self._keys(), name=name)
        except ValueForged as error:
            self._rejected(error)
            return None

    def _is_held(self, row: TokenRow, token: Token) -> bool:
        return self._held == (row.generation, token.authorization)

    def _is_refused(self, row: TokenRow, token: Token, refused: Token | None) -> bool:
        """Whether it is the refused one, and not the same token that was granted again since."""
        if refused is None or token.authorization != refused.authorization:
            return False
        held = self._held
        return held is None or held.authorization != refused.authorization or held.generation == row.generation

    def _is_live(self, token: Token | None) -> bool:
        return token is not None and token.freshness(Moment.now(self._clock)) is not Freshness.EXPIRED

    def _taken_spare(self, refused: Token | None) -> Token | None:
        """Returns the token of the start, once, and only if no other was returned before."""
        spare, self._spare = self._spare, None
        is_first = self._at_hand is None and refused is None
        return spare if is_first and self._is_live(spare) else None

    def _taken_over(self, token: Token, generation: int | None, progress: "GrantProgress") -> Token:
        progress.is_taken_over = True
        return self._kept(token, generation)

    def _kept(self, token: Token, generation: int | None) -> Token:
        self._held = None if generation is None else _Held(generation, token.authorization)
        self._at_hand = token
        return token
