"""The token source of one OAuth client: keeps a token, renews it in time, and lets all who need one wait for one grant.

Fresh: used. Stale: used, while one grant runs in the background. Expired or none: waited for. After a failed grant
nobody asks again before the pause is over; until then all are refused at once, unless the token is still valid.
"""

import asyncio
import random as chance
import uuid
from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.errors import AuthorizationServerError, Draining, GrantTimeout, GrantUnavailable
from proxy.oauth.backoff import GrantFailure, remember
from proxy.oauth.grant_runner import Endpoint, GrantDependencies, GrantRunner, Random
from proxy.oauth.refused_token_streak import TOO_YOUNG, RefusedTokenStreak
from proxy.oauth.timer import LoopTimer, Timer
from proxy.oauth.token import Freshness, Moment, Token
from proxy.oauth.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.clock import Clock
    from proxy.config.model import OAuthClient
    from proxy.oauth.log import Log

PATIENCE = 2
"Times the OAuth client's `timeout` that one exchange waits for a token."


class TokenSource:
    """Tokens of one OAuth client. All methods belong to one event loop; none of them logs or shows a token."""

    def __init__(
        self,
        client: "OAuthClient",
        *,
        endpoint: Endpoint,
        clock: "Clock",
        timer: Timer,
        random: Random,
        log: "Log",
        new_id: "Callable[[], str]" = lambda: uuid.uuid4().hex,
        on_request: "Callable[[str, float], None]" = lambda _outcome, _seconds: None,
    ) -> None:
        """ValueError if a credential is missing; secret files are read already (`with_secrets`)."""
        self.client = client
        "With the content of its files."
        self._clock, self._random, self._log = clock, random, log
        self._on_request = on_request
        self._means = GrantDependencies(
            endpoint=endpoint, clock=clock, timer=timer, random=random, new_id=new_id, on_request=self._count
        )
        self._granting = GrantRunner(client, self._means)
        self._token: Token | None = None
        self._is_refused = False
        "Whether an upstream has refused the token that is kept."
        self._failure: GrantFailure | None = None
        self._grant: asyncio.Task[Token] | None = None
        self._patience_end = 0.0
        self._waiters = Waiters(timer)
        self._contest = RefusedTokenStreak()
        self._grants: Counter[str] = Counter()
        self._closed = False
        # the four below are what each message costs
        self._monotonic, self._wall = clock.monotonic, clock.wall
        self._fresh_until_monotonic = self._fresh_until_wall = float("-inf")

    def __repr__(self) -> str:
        freshness = "none" if self.freshness is None else self.freshness.value
        doing = "granting" if self._grant else "failing" if self._failure else "idle"
        return f"<TokenSource {self.client.name}: token {freshness}, {doing}, {len(self._waiters)} waiting>"

    @property
    def freshness(self) -> Freshness | None:
        """Of the token that is kept; None without one. A refused one is stale: used until a new one is there."""
        if self._token is None:
            return None
        freshness = self._token.freshness(Moment.now(self._clock))
        return Freshness.STALE if self._is_refused and freshness is Freshness.FRESH else freshness

    @property
    def expires(self) -> float | None:
        """Wall time at which the token that is kept expires; None without one."""
        return None if self._token is None else self._token.expires.wall

    @property
    def failure(self) -> GrantFailure | None:
        """Return what the last grant failed with, None if it did not: error, how many in a row, since when."""
        return self._failure

    @property
    def is_blocked(self) -> bool:
        """Whether whoever asks is refused at once: no usable token, and the pause after a failed grant is not over.

        After the pause only a request finds out whether a grant succeeds now: a proxy that no load balancer asks would
        stay blocked.
        """
        if self._failure is None or self.freshness not in {None, Freshness.EXPIRED}:
            return False
        return not self._failure.over.has_come(Moment.now(self._clock))

    @property
    def grants(self) -> "Mapping[str, int]":
        """Token requests so far, by outcome: `granted` or the code of the failure."""
        return MappingProxyType(self._grants)

    def ready(self, refused: Token | None = None) -> Token | None:
        """Return the token if it may be used now, without waiting; a stale one is renewed in the background.

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
        """Return a usable token; wait for the one grant in flight, and start it if there is none.

        AuthorizationServerError: the grant's failure, or the remembered one, or that patience is over; Draining at the
        stop. Awaits nothing but a plain future, so it also runs where no asyncio task drives it. Whoever leaves early,
        leaves alone.
        """
        token = self.ready(refused)
        if token is not None:
            return token
        self._refuse_or_start()
        patience = PATIENCE * self.client.timeout
        self._patience_end = self._monotonic() + patience
        return await self._waiters.wait(patience, self._impatience)

    def invalidate(self, token: Token) -> bool:
        """Take note that the upstream refused this token; true if asking for one again makes sense.

        It is renewed if it is still the one that is kept and not younger than 10 s: any number of exchanges that saw it
        refused cost one grant, and a token that is refused from the start costs none. Other exchanges use it until the
        new one is there.
        """
        kept, now = self._token, Moment.now(self._clock)
        if kept is None or kept.authorization != token.authorization:
            return True
        if finding := self._contest.refused(kept, now):
            self._log.warning(finding.event, oauth_client=self.client.name, detail=finding.detail)
        if not kept.older_than(TOO_YOUNG, now):
            return False
        self._is_refused = True
        self._fresh_until_monotonic = self._fresh_until_wall = float("-inf")
        self._renew(now)
        return True

    def credentials_changed(self, client: "OAuthClient") -> None:
        """Go on with other credentials, at once; ValueError leaves all as it was."""
        self.prepare(client)()

    def prepare(self, client: "OAuthClient") -> "Callable[[], None]":
        """Return what goes on with other credentials or options, and cannot fail; ValueError if they are not usable.

        It forgets the failure, and makes one grant at once if any was ever needed. The old token is used until the new
        one is there, unless it belongs to another id or server.
        """
        return partial(self._take, client, GrantRunner(client, self._means))

    def _take(self, client: "OAuthClient", granting: GrantRunner) -> None:
        is_needed = self._token is not None or self._failure is not None
        if (client.client_id, client.token_url) != (self.client.client_id, self.client.token_url):
            self._token = None
        self.client, self._granting, self._failure = client, granting, None
        if self._grant is not None:
            self._grant.cancel()  # its end starts the next one
        elif is_needed and not self._closed:
            self._start()

    async def close(self) -> None:
        """End the grant in flight and whoever waits for it; no other is made."""
        self._closed = True
        grant = self._grant
        if grant is not None:
            grant.cancel()
            await asyncio.wait([grant])
        self._waiters.refuse(self._closing())

    def _ready_late(self, token: Token, refused: Token | None) -> Token | None:
        """Decide about a token that is no longer fresh."""
        now = Moment.now(self._clock)
        if token.freshness(now) is Freshness.EXPIRED:
            return None
        self._renew(now)
        is_refused = self._is_refused and refused is not None and refused.authorization == token.authorization
        return None if is_refused else token

    def _renew(self, now: Moment) -> None:
        """Make sure that a grant is in flight, unless none may be made now."""
        if self._grant is None and not self._closed and (self._failure is None or self._failure.over.has_come(now)):
            self._start()

    def _refuse_or_start(self) -> None:
        """Make sure that a grant is in flight, or raise why there is none."""
        if self._closed:
            raise self._closing()
        if self._grant is not None:
            return
        now = Moment.now(self._clock)
        if self._failure is not None and not self._failure.over.has_come(now):
            raise self._failure.refusal(now)
        self._start()

    def _start(self) -> None:
        self._patience_end = self._monotonic() + PATIENCE * self.client.timeout
        loop, granting = asyncio.get_running_loop(), self._granting
        self._grant = loop.create_task(granting.run(lambda: self._patience_end - self._monotonic()))
        self._grant.add_done_callback(partial(self._settle, granting, self._monotonic()))

    def _settle(self, granting: GrantRunner, began: float, grant: "asyncio.Task[Token]") -> None:
        """Take the end of a grant, whatever it is; nobody who waits is forgotten."""
        self._grant = None
        error = asyncio.CancelledError() if grant.cancelled() else grant.exception()
        if self._closed:
            return
        if granting is not self._granting:
            self._start()  # the credentials have changed meanwhile
        elif error is None:
            self._keep(grant.result(), seconds=self._monotonic() - began)
        else:
            self._fail(error if isinstance(error, AuthorizationServerError) else self._fault(error))

    def _keep(self, token: Token, *, seconds: float) -> None:
        """Let the new token take the place of the old one and give it to all who wait."""
        self._contest.replaced(self._token)
        self._token, self._is_refused, self._failure = token, False, None
        self._fresh_until_monotonic, self._fresh_until_wall = token.fresh_until.monotonic, token.fresh_until.wall
        self._log.info(
            "token.granted",
            oauth_client=self.client.name,
            lifetime=round(token.expires.monotonic - token.obtained.monotonic),
            seconds=round(seconds, 3),
            waited=len(self._waiters),
        )
        self._waiters.give(token)

    def _fail(self, error: AuthorizationServerError) -> None:
        """Remember the failure and tell all who wait."""
        now = Moment.now(self._clock)
        self._failure = remember(error, previous=self._failure, now=now, jitter=self._random())
        valid_for = 0.0 if self._token is None else max(0.0, self._token.expires.seconds_from(now))
        self._log.warning(
            "token.grant_failed",
            oauth_client=self.client.name,
            code=error.code,
            detail=error.detail,
            in_a_row=self._failure.count,
            again_in=round(self._failure.over.seconds_from(now), 1),
            token_valid_for=round(valid_for),
            waited=len(self._waiters),
        )
        self._waiters.refuse(self._failure.refusal(now))

    def _fault(self, error: BaseException) -> AuthorizationServerError:
        """Turn a fault of ours into an answer; the class is all that is shown, for the text may hold anything."""
        return GrantUnavailable(f"The grant for OAuth client {self.client.name} broke off ({type(error).__name__}).")

    def _closing(self) -> Draining:
        return Draining(f"OAuth client {self.client.name} makes no more grants: the proxy is stopping.", retry_after=1)

    def _impatience(self) -> AuthorizationServerError:
        """Say why one exchange waits no longer; the grant goes on for the others and for the next."""
        name, seconds = self.client.name, PATIENCE * self.client.timeout
        text = f"OAuth client {name} had no token after {seconds:g} s: try again later."
        return self._granting.last_failure or GrantTimeout(text)

    def _count(self, outcome: str, seconds: float) -> None:
        self._grants[outcome] += 1
        self._on_request(outcome, seconds)


def token_source(
    client: "OAuthClient",
    endpoint: Endpoint,
    clock: "Clock",
    log: "Log",
    on_request: "Callable[[str, float], None]" = lambda _outcome, _seconds: None,
) -> TokenSource:
    """Make a token source on the event loop's own timer; ValueError if a credential is missing."""
    return TokenSource(
        client,
        endpoint=endpoint,
        clock=clock,
        timer=LoopTimer(),
        random=chance.random,
        log=log,
        on_request=on_request,
    )
