"""What all exchanges of one configuration share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.forwarding.admission import Networks
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.spool import Spool
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.traces import Traces


@dataclass(slots=True, kw_only=True, eq=False)
class ExchangeContext:
    """Made by the composition root for each configuration, and not changed afterwards."""

    routes: Routes[Route]
    name: bytes
    "Ours, in Via and Proxy-Status."
    own_names: frozenset[str]
    "Host names of this machine, for senders that take us for an HTTP proxy."
    trusted_proxies: Networks
    spool: Spool | None
    "Where large bodies are kept; None if no route wants that."
    wall: Callable[[], float]
    "Wall time in seconds, for Date."
    closing: Callable[[ExchangeRecord], None]
    "Takes the account of each finished exchange."
    holdings: Any = None
    "Lives for as long as an exchange does."
    traces: Traces | None = None
    "Makes spans; None where none are wanted."
