"""States of a proxy, without a proxy."""

from types import SimpleNamespace
from typing import Any

from proxy.admin.state import ProxyState


def state(**changes: Any) -> ProxyState:
    """Ready and idle, but for the changes."""
    values: dict[str, Any] = {
        "is_open": True,
        "draining": False,
        "connections": 0,
        "max_connections": 10,
        "in_flight": 0,
        "routes": (),
        "sources": {},
        "pools": (),
        "waiting": {},
        "certificate_ends": {},
    }
    return ProxyState(**(values | changes))


def blocked(expires: float | None = None) -> Any:
    """Its grant was rejected."""
    failure = SimpleNamespace(error=SimpleNamespace(code="grant_rejected"))
    return SimpleNamespace(
        is_blocked=True, awaits_first_grant=False, expires=expires, freshness=None, grants={}, failure=failure
    )


def waiting() -> Any:
    """Its first grant has not ended."""
    return SimpleNamespace(is_blocked=False, awaits_first_grant=True)
