"""The outbox of a route, as an exchange sees it."""

from typing import Protocol

from proxy.forwarding.request import Request
from proxy.forwarding.spool import Spool
from proxy.observe.exchange_record import ExchangeRecord


class Outbox(Protocol):
    """Keeps messages that are delivered later."""

    async def accept(self, request: Request, address: str, record: ExchangeRecord, spool: Spool | None) -> None:
        """Keeps a message, then answers its sender. Raises a ProxyError or SenderLeft if it is not kept."""
        ...
