"""The outboxes by route: those that are configured, and those of which messages are kept."""

from collections.abc import Sequence

from proxy import timeouts
from proxy.admin.state import ObservedProxy
from proxy.errors import OutboxUnavailable
from proxy.outbox.message import RouteSummary

PATIENCE = 2.0
"Seconds for the store to answer; a scrape has ten, and shows everything else even if a disk hangs."


async def overview(proxy: ObservedProxy) -> Sequence[RouteSummary]:
    """Returns the numbers of each route, by name. Raises OutboxUnavailable."""
    store = proxy.outboxes.store_if_any()
    kept = {} if store is None else {each.route: each for each in await store.routes()}
    configured = {route.name for route in proxy.state().routes if route.outbox is not None}
    return [kept.get(name) or empty(name) for name in sorted(configured | kept.keys())]


async def overview_if_available(proxy: ObservedProxy) -> Sequence[RouteSummary] | None:
    """Returns the numbers of each route, or None if the store does not tell them soon."""
    try:
        async with timeouts.timeout(PATIENCE):
            return await overview(proxy)
    except (OutboxUnavailable, TimeoutError):
        return None


def empty(route: str) -> RouteSummary:
    """Returns the numbers of a route that keeps nothing."""
    return RouteSummary(route=route, waiting=0, delivering=0, dead=0, held=False, oldest_at=None, bytes=0)
