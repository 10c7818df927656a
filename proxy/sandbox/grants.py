"""Token requests, the decisions on them, and their log."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.clock import Clock
from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.authentication import ClientRegistry, PresentedCredentials
from proxy.sandbox.faults import Faults
from proxy.sandbox.recorder import EventCounter
from proxy.sandbox.tenant_keys import SigningKey
from proxy.sandbox.tokens import IssuedTokens

_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request to an authorization server."""

    method: str
    path: str
    parameters: Mapping[str, str]
    "Those of the query and of the form together."
    params_in: str
    "`query`, `body` or `both`: where the parameters were."
    credentials: PresentedCredentials | None
    certificate_name: str | None = None
    "Common name of the client certificate, if the sandbox's own authority issued it."


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantContext:
    """What an authorization server needs to decide on token requests; `url` is its base URL."""

    url: str
    registry: ClientRegistry
    tokens: IssuedTokens
    key: SigningKey
    faults: Faults
    clock: Clock


class GrantOutcome(StrEnum):
    """How a token request ended; a fault disturbs it."""

    GRANTED = "granted"
    REFUSED = "refused"
    DISTURBED = "disturbed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDecision:
    """An authorization server's decision on a token request."""

    answer: SandboxAnswer
    outcome: GrantOutcome


def refused(answer: SandboxAnswer) -> GrantDecision:
    """Returns the decision to refuse a request with this answer."""
    return GrantDecision(answer=answer, outcome=GrantOutcome.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGrant:
    """A token request in the log, without secret and token."""

    server: str
    oauth_client: str
    "The claimed id; empty if the request had no credentials."
    auth_method: AuthMethod
    params_in: str
    outcome: GrantOutcome


class GrantLog:
    """The newest requests to the token endpoints, and counts of all of them."""

    def __init__(self) -> None:
        self._grants: deque[RecordedGrant] = deque(maxlen=_KEPT)
        self._counts: dict[str, Counter[str]] = {}
        self.requested = EventCounter()
        "Token requests by OAuth client, counted when they arrive."

    def __iter__(self) -> Iterator[RecordedGrant]:
        return iter(self._grants)

    def __len__(self) -> int:
        return len(self._grants)

    def count(self, oauth_client: str, outcome: GrantOutcome = GrantOutcome.GRANTED) -> int:
        """Returns how many requests of an OAuth client ended in this outcome."""
        return self._counts.get(oauth_client, Counter())[outcome]

    def begin(self, request: TokenRequest) -> None:
        """Counts a request before it is decided."""
        self.requested.add(_claimed(request.credentials))

    def record(self, server: str, request: TokenRequest, outcome: GrantOutcome) -> None:
        """Adds a request and its outcome."""
        oauth_client = _claimed(request.credentials)
        self._grants.append(
            RecordedGrant(
                server=server,
                oauth_client=oauth_client,
                auth_method=request.credentials.method if request.credentials else AuthMethod.NONE,
                params_in=request.params_in,
                outcome=outcome,
            )
        )
        self._counts.setdefault(oauth_client, Counter())[outcome] += 1

    def clear(self) -> None:
        """Discards all requests and counts."""
        self._grants.clear()
        self._counts.clear()
        self.requested.clear()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Returns the counts by OAuth client and outcome, zeros included."""
        return {
            oauth_client: {outcome.value: counts[outcome] for outcome in GrantOutcome}
            for oauth_client, counts in sorted(self._counts.items())
        }


def _claimed(credentials: PresentedCredentials | None) -> str:
    return credentials.client_id if credentials else ""
