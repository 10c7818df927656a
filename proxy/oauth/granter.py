"""The seam between what keeps a token and what gets a new one.

`GrantRunner` asks the authorization server. `SharedGranter` wraps it if several processes share a store: it looks for
a token that another process was granted, and lets the wrapped granter ask only if there is none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.errors import AuthorizationServerError
    from proxy.oauth.token import Token


class GrantProgress:
    """What a running grant and the exchanges that wait for it tell each other."""

    def __init__(
        self, monotonic: Callable[[], float], on_request: Callable[[str, float], None], *, seconds: float = 0.0
    ) -> None:
        """A try that would begin after `seconds` is of no use unless an exchange waits."""
        self._monotonic = monotonic
        self._deadline = monotonic() + seconds
        self.is_awaited = False
        "Whether an exchange has waited for it: no token, or only a refused one, is at hand."
        self.is_taken_over = False
        "Whether the token is one that another process was granted."
        self.on_request = on_request
        "Called after each token request with its outcome (`granted` or the code of the failure) and its seconds."
        self.failure: AuthorizationServerError | None = None
        "Why the latest try failed, for exchanges that stop waiting before the grant ends."

    def extend(self, seconds: float) -> None:
        """Notes that an exchange waits for `seconds` from now."""
        self.is_awaited = True
        self._deadline = self._monotonic() + seconds

    def seconds_left(self) -> float:
        """Returns how long an exchange will still be waiting; a try that would begin later is of no use."""
        return self._deadline - self._monotonic()


class Granter(Protocol):
    """Gets tokens for one OAuth client with the credentials that it has now."""

    async def grant(self, refused: "Token | None", progress: GrantProgress) -> "Token":
        """Returns a token that has not expired, or raises an AuthorizationServerError.

        It is stale only if another process is about to replace it, and this one has none. `refused` is the token that
        an upstream has refused, or None. A store must not return it; an authorization server may grant the same one
        again.
        """
        ...
