"""What operators can see of the store that replicas share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """The store at one moment."""

    up: bool
    "Whether it is reachable, and this proxy has its keys."
    listening: bool
    "Whether changes of other replicas are notified; otherwise what waits looks again."
    detail: str | None
    "Why it is not up."
