"""The context that all exchanges of one configuration share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.spool import Spool
from proxy.hosts import Networks
from proxy.observe.observers import BeginningObserver, ExchangeObserver
from proxy.observe.process_log import ProcessLog
from proxy.observe.recording import BeginRecording


@dataclass(slots=True, kw_only=True, eq=False)
class ExchangeContext:
    """Made by the composition root for each configuration, and not changed afterwards."""

    routes: Routes[Route]
    name: bytes
    "Ours, in Via and Proxy-Status."
    own_names: frozenset[str]
    "Host names of this machine, for senders that use us as an HTTP proxy."
    trusted_proxies: Networks
    spool: Spool | None
    "Stores large bodies in files. None if no route has `spool`."
    wall: Callable[[], float]
    "Wall time in seconds, for Date."
    beginning: tuple[BeginningObserver, ...]
    "Called when an exchange begins."
    log: ProcessLog
    "Gets the steps of exchanges, at level debug."
    finishing: tuple[ExchangeObserver, ...]
    "Called when an exchange ends."
    in_use: Any  # mypyc fails at import if a dataclass of its own has a field of type `object`
    "Kept alive by each exchange of the configuration, so that a weak reference tells whether there is one."
    recorded: dict[str, BeginRecording] = field(default_factory=dict)
    "What records exchanges, by the name of their route. It belongs to the process, and changes: mostly it is empty."
