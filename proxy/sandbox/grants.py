"""Token requests: what they say, and a book of what became of them."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.registration import Method, PresentedCredentials
from proxy.sandbox.tally import Tally

_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request to an authorization server."""

    method: str
    path: str
    parameters: Mapping[str, str]
    "Query and form as one."
    params_in: str
    "query, body, or both, by where `grant_type` and its like stood."
    credentials: PresentedCredentials | None
    certificate_name: str | None = None
    "Common name of a client certificate that the sandbox's own authority signed."


class GrantOutcome(StrEnum):
    """What became of a token request."""

    GRANTED = "granted"
    REFUSED = "refused"
    DISTURBED = "disturbed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDecision:
    """What an authorization server decides on a token request."""

    answer: SandboxAnswer
    outcome: GrantOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One entry of the book; no secret and no token."""

    server: str
    oauth_client: str
    "As claimed; empty if the request carried no credentials."
    auth_method: Method
    params_in: str
    outcome: GrantOutcome


class GrantBook:
    """Every request to a token endpoint."""

    def __init__(self) -> None:
        self._grants: deque[Grant] = deque(maxlen=_KEPT)
        self._counts: dict[str, Counter[str]] = {}
        self.requested = Tally()
        "Token requests by OAuth client; wait here until one has come."

    def __iter__(self) -> Iterator[Grant]:
        return iter(self._grants)

    def __len__(self) -> int:
        return len(self._grants)

    def count(self, oauth_client: str, outcome: GrantOutcome = GrantOutcome.GRANTED) -> int:
        """How often this OAuth client's requests came to this end."""
        return self._counts.get(oauth_client, Counter())[outcome]

    def begin(self, request: TokenRequest) -> None:
        """A request has come, before anything is decided."""
        self.requested.add(_claimed(request.credentials))

    def enter(self, server: str, request: TokenRequest, outcome: GrantOutcome) -> None:
        """Note what became of a request."""
        oauth_client = _claimed(request.credentials)
        self._grants.append(
            Grant(
                server=server,
                oauth_client=oauth_client,
                auth_method=request.credentials.method if request.credentials else Method.NONE,
                params_in=request.params_in,
                outcome=outcome,
            )
        )
        self._counts.setdefault(oauth_client, Counter())[outcome] += 1

    def clear(self) -> None:
        """Begin at zero again."""
        self._grants.clear()
        self._counts.clear()
        self.requested.clear()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Counts by OAuth client and outcome; every outcome is there."""
        return {
            oauth_client: {outcome.value: counts[outcome] for outcome in GrantOutcome}
            for oauth_client, counts in sorted(self._counts.items())
        }


def _claimed(credentials: PresentedCredentials | None) -> str:
    return credentials.client_id if credentials else ""
