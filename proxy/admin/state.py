"""The state of a running proxy at one moment, and what the admin address says about it: pure functions over values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from proxy import __version__
from proxy.admin.connection import AdminObserver
from proxy.clock import rfc3339
from proxy.config.model import RouteSettings
from proxy.oauth.source import TokenSource
from proxy.observe.metrics import Metrics
from proxy.observe.process_log import ProcessLog
from proxy.outbox.outboxes import Outboxes
from proxy.store.state import StoreState
from proxy.upstream.pool import Pool
from proxy.wire.deadlines import Deadlines


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """What operators can see of a proxy."""

    is_open: bool
    "Whether the listeners for senders are open."
    draining: bool
    connections: int
    "Connections of senders."
    max_connections: int
    in_flight: int
    "Exchanges that are running."
    routes: Sequence[RouteSettings]
    sources: Mapping[str, TokenSource]
    "By OAuth client."
    pools: Sequence[Pool]
    waiting: Mapping[str, int]
    "Exchanges that wait for `max_concurrency`, by route; routes without a queue are left out."
    certificate_ends: Mapping[str, float]
    "When our certificates expire, by their use."
    store: StoreState | None = None
    "The store that replicas share."


class ObservedProxy(Protocol):
    """A running proxy, as far as the admin address shows or changes it."""

    log: ProcessLog
    metrics: Metrics
    deadlines: Deadlines
    outboxes: Outboxes
    wall: Callable[[], float]

    @property
    def incidents(self) -> AdminObserver:
        """Receives refusals and faults at the admin address."""
        ...

    def state(self) -> ProxyState:
        """Returns the present state."""
        ...


def reasons_not_ready(state: ProxyState) -> list[str]:
    """Returns why no messages should be sent here now; empty if the proxy is ready."""
    reasons = ["draining"] if state.draining else []
    if not state.is_open:
        reasons.append("the addresses for senders are not open yet")
    for name, source in state.sources.items():
        if source.is_blocked:
            reasons.append(f"OAuth client {name} has no token and cannot get one")
        elif source.awaits_first_grant:
            reasons.append(f"OAuth client {name} waits for its first token")
    return reasons


def status_of(state: ProxyState) -> dict[str, Any]:
    """Returns the content of `/status`; it holds no secret and no token."""
    status = {
        "version": __version__,
        "draining": state.draining,
        "connections": state.connections,
        "in_flight": state.in_flight,
        "routes": [_route(each) for each in state.routes],
        "oauth_clients": {name: _source(source) for name, source in state.sources.items()},
        "upstreams": _upstreams(state.pools),
    }
    return status if state.store is None else status | {"store": asdict(state.store)}


def _route(route: RouteSettings) -> dict[str, Any]:
    return {name: getattr(route, name) for name in ("name", "path", "host", "upstream", "oauth_client")}


def _source(source: TokenSource) -> dict[str, Any]:
    failure = source.failure
    return {
        "freshness": source.freshness.value if source.freshness else "none",
        "expires": source.expires,
        "expires_at": None if source.expires is None else rfc3339(source.expires),
        "grants": dict(source.grants),
        "failure": failure.error.code if failure else None,
    }


def _upstreams(pools: Iterable[Pool]) -> list[dict[str, Any]]:
    return [{"origin": str(pool.origin), "idle": pool.idle, "leased": pool.leased} for pool in pools]
