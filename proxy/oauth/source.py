"""The token source of one OAuth client: it keeps a token, renews it in time, and shares one grant among all that wait.

A fresh token is used. A stale one is used while one grant runs in the background. Without a usable token, exchanges
wait for the grant. After a failed grant there is a pause: until it is over no grant is made, and exchanges are refused
at once unless the token is still valid.
"""

import asyncio
import random as chance
from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.errors import AuthorizationServerError
from proxy.oauth.backoff import GrantFailure, remember
from proxy.oauth.granter import Granter, GrantProgress
from proxy.oauth.refused_token_streak import TOO_YOUNG, RefusedTokenStreak
from proxy.oauth.token import Freshness, Moment, Token
from proxy.oauth.waiters import CallLater, Waiters, crashed, draining, too_late
from proxy.timeouts import LateCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.clock import Clock
    from proxy.config.model import OAuthClient
    from proxy.observe.logger import Logger

TIMEOUTS = 2
"How many times the OAuth client's `timeout` an exchange waits for a token."


class TokenSource:
    """Tokens of one OAuth client. All methods belong to one event loop; none of them logs or shows a token."""

    def __init__(
        self,
        client: "OAuthClient",
        granter: Granter,
        *,
        clock: "Clock",
        log: "Logger",
        call_later: CallLater = LateCall,
        random: "Callable[[], float]" = chance.random,
        on_request: "Callable[[str, float], None]" = lambda _outcome, _seconds: None,
    ) -> None:
        """`on_request` is called after each token request, with its outcome and its seconds."""
        self.client = client
        "With the content of its secret files."
        self._granter = granter
        self._clock, self._random, self._log = clock, random, log
        self._on_request = on_request
        self._token: Token | None = None
        self._is_refused = False
        "Whether an upstream has refused the present token."
        self._failure: GrantFailure | None = None
        self._grant: asyncio.Task[Token] | None = None
        self._progress = GrantProgress(clock.monotonic, self._count)
        self._began = clock.monotonic()
        "Both of the grant in flight, or of the last one."
        self._waiters = Waiters(call_later)
        self._streak = RefusedTokenStreak()
        self._grants: Counter[str] = Counter()
        self._closed = False
        # the four below are what each message costs
        self._monotonic, self._wall = clock.monotonic, clock.wall
        self._fresh_until_monotonic = self._fresh_until_wall = float("-inf")

    def __repr__(self) -> str:
        freshness = "none" if self.freshness is None else self.freshness.value
        state = "granting" if self._grant else "failing" if self._failure else "idle"
        return f"<TokenSource {self.client.name}: token {freshness}, {state}, {len(self._waiters)} waiting>"

    @property
    def freshness(self) -> Freshness | None:
        """Freshness of the present token; None if there is none. A refused token is stale until it is replaced."""
        if self._token is None:
            return None
        freshness = self._token.freshness(Moment.now(self._clock))
        return Freshness.STALE if self._is_refused and freshness is Freshness.FRESH else freshness

    @property
    def expires(self) -> float | None:
        """Wall time at which the present token expires; None if there is none."""
        return None if self._token is None else self._token.expires.wall

    @property
    def failure(self) -> GrantFailure | None:
        """The failure of the last grant; None if it succeeded or there was none."""
        return self._failure

    @property
    def is_blocked(self) -> bool:
        """Whether exchanges are refused at once: no usable token, and the pause after a failed grant is not over.

        After the pause only a request shows whether a grant succeeds now. If the source counted as blocked until then,
        a proxy that its load balancer sends no requests would stay blocked.
        """
        return self.freshness in {None, Freshness.EXPIRED} and self._pause(Moment.now(self._clock)) is not None

    @property
    def awaits_first_grant(self) -> bool:
        """Whether `grant_at_start` asks for a token, and no grant has ended yet with the present credentials.

        A grant that exchanges wait for may last longer than `timeout`; this is False from then on.
        """
        if not self.client.grant_at_start or self._token is not None or self._failure is not None:
            return False
        return self._grant is None or self._monotonic() < self._began + self.client.timeout

    @property
    def grants(self) -> "Mapping[str, int]":
        """Token requests so far, by outcome: `granted` or the code of the failure."""
        return MappingProxyType(self._grants)

    def start(self) -> None:
        """Makes the first grant if `grant_at_start` asks for it, so that wrong credentials show before a message."""
        if self.awaits_first_grant:
            self._renew(Moment.now(self._clock))

    def ready(self, refused: Token | None = None) -> Token | None:
        """Returns the token if it can be used now, without waiting; renews a stale one in the background.

        An exchange whose token was `refused` does not get it again, unless it was granted again.
        """
        token = self._token
        if (
            token is not None
            and self._monotonic() < self._fresh_until_monotonic
            and self._wall() < self._fresh_until_wall
        ):
            return token
        return None if token is None else self._ready_late(token, refused)

    async def token(self, refused: Token | None = None) -> Token:
        """Returns a usable token; waits for the grant in flight, and starts one if there is none.

        Raises the AuthorizationServerError of the grant, or of the last one during the pause after it, or GrantTimeout
        if the wait was too long; Draining when the proxy stops. Awaits nothing but a plain future, so that it also runs
        where no asyncio task drives it. An exchange that leaves early ends neither the grant nor another's wait.
        """
        token = self.ready(refused)
        if token is not None:
            return token
        self._ensure_grant()
        seconds = TIMEOUTS * self.client.timeout
        self._progress.extend(seconds)
        return await self._waiters.wait(seconds, self._timed_out)

    @property
    def present(self) -> Token | None:
        """The present token, whatever its freshness; None if there is none."""
        return self._token

    async def renew(self) -> Token:
        """Returns the token of a grant in flight, else of one at once, also during a pause. Raises like `token`."""
        if self._closed:
            raise draining(self.client.name)
        if self._grant is None:
            self._start(self._token)
        seconds = TIMEOUTS * self.client.timeout
        self._progress.extend(seconds)
        return await self._waiters.wait(seconds, self._timed_out)

    def invalidate(self, token: Token) -> bool:
        """Marks the token as refused by an upstream; returns whether asking for another one makes sense.

        The token is renewed if it is still the present one and at least 10 s old: one grant serves any number of
        exchanges that saw it refused, and a token that is refused from the start causes no grant. Other exchanges use
        it until the new one is there.
        """
        present, now = self._token, Moment.now(self._clock)
        if present is None or present.authorization != token.authorization:
            return True
        if finding := self._streak.refused(present, now):
            self._log.warning(finding.event, oauth_client=self.client.name, detail=finding.detail)
        if not present.older_than(TOO_YOUNG, now):
            return False
        self._is_refused = True
        self._fresh_until_monotonic = self._fresh_until_wall = float("-inf")
        self._renew(now)
        return True

    def apply(self, client: "OAuthClient", granter: Granter) -> None:
        """Applies other credentials or options at once.

        Clears the failure, and makes one grant if any was ever needed. The present token is used until the new one is
        there, unless it belongs to another client id or token endpoint.
        """
        is_needed = self._token is not None or self._failure is not None
        if (client.client_id, client.token_url) != (self.client.client_id, self.client.token_url):
            self._token = None
        self.client, self._granter, self._failure = client, granter, None
        if self._grant is not None:
            self._grant.cancel()  # its end starts the next one
        elif is_needed and not self._closed:
            self._start()

    async def close(self) -> None:
        """Cancels the grant in flight and fails all that wait for it; no other grant is made."""
        self._closed = True
        grant = self._grant
        if grant is not None:
            grant.cancel()
            await asyncio.wait([grant])
        self._waiters.fail(draining(self.client.name))

    def _ready_late(self, token: Token, refused: Token | None) -> Token | None:
        """Decides about a token that is no longer fresh."""
        now = Moment.now(self._clock)
        if token.freshness(now) is Freshness.EXPIRED:
            return None
        self._renew(now)
        is_refused = self._is_refused and refused is not None and refused.authorization == token.authorization
        return None if is_refused else token

    def _pause(self, now: Moment) -> GrantFailure | None:
        """Returns the failure whose pause is not over; None if a grant may be made."""
        return None if self._failure is None or self._failure.retry_at.is_reached(now) else self._failure

    def _renew(self, now: Moment) -> None:
        """Starts a grant unless one is in flight or none may be made now."""
        if self._grant is None and not self._closed and self._pause(now) is None:
            self._start()

    def _ensure_grant(self) -> None:
        """Starts a grant unless one is in flight; raises the reason if none may be made now."""
        if self._closed:
            raise draining(self.client.name)
        if self._grant is not None:
            return
        now = Moment.now(self._clock)
        if failure := self._pause(now):
            raise failure.refusal(now)
        self._start()

    def _start(self, unwanted: Token | None = None) -> None:
        """Starts a grant. A store that processes share must not return the `unwanted` token."""
        granter, refused = self._granter, self._token if self._is_refused else unwanted
        is_alone = self.awaits_first_grant and not self._waiters  # only readiness waits for it
        self._began = self._monotonic()
        seconds = (1 if is_alone else TIMEOUTS) * self.client.timeout
        self._progress = GrantProgress(self._monotonic, self._count, seconds=seconds)
        self._grant = asyncio.get_running_loop().create_task(granter.grant(refused, self._progress))
        self._grant.add_done_callback(partial(self._settle, granter, self._began))

    def _settle(self, granter: Granter, began: float, grant: "asyncio.Task[Token]") -> None:
        """Passes the outcome of a grant, whatever it is, to all that wait."""
        self._grant = None
        error = asyncio.CancelledError() if grant.cancelled() else grant.exception()
        if self._closed:
            return
        if granter is not self._granter:
            self._start()  # the credentials have changed since it began
        elif error is None:
            self._keep(grant.result(), seconds=self._monotonic() - began)
        else:
            self._fail(error if isinstance(error, AuthorizationServerError) else crashed(self.client.name, error))

    def _keep(self, token: Token, *, seconds: float) -> None:
        """Replaces the present token."""
        self._streak.replaced(self._token)
        self._token, self._is_refused, self._failure = token, False, None
        self._fresh_until_monotonic, self._fresh_until_wall = token.fresh_until.monotonic, token.fresh_until.wall
        self._log.info(
            "token.taken_over" if self._progress.is_taken_over else "token.granted",
            oauth_client=self.client.name,
            lifetime=round(token.expires.monotonic - token.obtained.monotonic),
            seconds=round(seconds, 3),
            waited=len(self._waiters),
        )
        self._waiters.resolve(token)

    def _fail(self, error: AuthorizationServerError) -> None:
        """Begins the pause, and fails all that wait."""
        now = Moment.now(self._clock)
        self._failure = remember(error, previous=self._failure, now=now, jitter=self._random())
        valid_for = 0.0 if self._token is None else max(0.0, self._token.expires.seconds_from(now))
        self._log.warning(
            "token.grant_failed",
            oauth_client=self.client.name,
            code=error.code,
            detail=error.detail,
            in_a_row=self._failure.count,
            again_in=round(self._failure.retry_at.seconds_from(now), 1),
            token_valid_for=round(valid_for),
            waited=len(self._waiters),
        )
        self._waiters.fail(self._failure.refusal(now))

    def _timed_out(self) -> AuthorizationServerError:
        """Says why one exchange stops waiting; the grant goes on for the others."""
        return self._progress.failure or too_late(self.client.name, TIMEOUTS * self.client.timeout)

    def _count(self, outcome: str, seconds: float) -> None:
        self._grants[outcome] += 1
        self._on_request(outcome, seconds)
