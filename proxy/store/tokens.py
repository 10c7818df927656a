"""What shared tokens need of a store: one row for each OAuth client, with a lease for the one that makes the grant.

Time is the store's: rows tell spans in seconds, so that the clocks of replicas need not agree.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class StoreUnreachable(Exception):
    """The store did not do it in time, or cannot; the sentence says why and shows no secret."""


class Sealed(NamedTuple):
    """An encrypted value, and the id of its key."""

    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """What the store has of one OAuth client."""

    now: float
    "The store's time, in seconds."
    generation: int
    "Number of the last published token."
    token: Sealed | None = field(default=None, repr=False)
    "The last published token; None if there was none, or if an upstream has refused it."
    age: float = 0.0
    "Seconds since that token was asked for."
    lease_left: float = 0.0
    "Seconds until another process may make the grant; 0 if nobody has the lease."
    failure: Sealed | None = field(default=None, repr=False)
    "Why the last grant failed; None if it succeeded."
    failures: int = 0
    "Grants that have failed in a row."
    pause_left: float = 0.0
    "Seconds until a grant may be tried again after a failed one."


class TokenStore(Protocol):
    """The rows of all OAuth clients. Each method is one round trip with a short time limit, or StoreUnreachable."""

    @property
    def is_available(self) -> bool:
        """Whether it is worth asking."""
        ...

    def name_of(self, identity: bytes) -> bytes:
        """Returns the name of a row, a keyed hash, which all replicas with the same keys compute alike."""
        ...

    async def look(self, name: bytes) -> TokenRow:
        """Returns the row; generation 0 if there is none."""
        ...

    async def acquire(self, name: bytes, owner: bytes, seconds: float) -> bool:
        """Takes the lease if nobody has it."""
        ...

    async def extend(self, name: bytes, owner: bytes, seconds: float) -> bool:
        """Extends the lease, unless another has taken it."""
        ...

    async def publish(self, name: bytes, owner: bytes, *, generation: int, token: Sealed, asked_at: float) -> bool:
        """Stores a token as this generation and ends the lease; not if another has taken it or has published.

        `asked_at` is of the store's time, so that a statement which is carried out late makes no token younger.
        """
        ...

    async def publish_failure(
        self, name: bytes, owner: bytes, *, generation: int, failure: Sealed, seconds: float
    ) -> bool:
        """Stores that no grant may be made for so long, and ends the lease; not if another has taken it."""
        ...

    async def release(self, name: bytes, owner: bytes) -> None:
        """Ends the lease, unless another has taken it."""
        ...

    async def forget(self, name: bytes, generation: int) -> None:
        """Removes the token if it is of this generation."""
        ...

    async def changed(self, name: bytes, seconds: float) -> None:
        """Waits until the row has changed, or so long."""
        ...
