"""What the process has, whatever the configuration: its log, counters, clocks, and the way to token endpoints."""

import asyncio
import socket
from collections.abc import Mapping
from functools import cached_property

from proxy.clock import Clock
from proxy.forwarding.gates import Gates
from proxy.forwarding.spool import Spool
from proxy.oauth.endpoint import TokenEndpoint
from proxy.observe.account import Account
from proxy.observe.logs import Log
from proxy.observe.metrics import Metrics
from proxy.server.refusals import Refusals
from proxy.wire.deadlines import Deadlines


class Premises:
    """Made once; `close` when nothing is on its way any more."""

    def __init__(self, *, log: Log, environ: Mapping[str, str], loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.log = log
        self.environ = environ
        self.clock = clock
        self.metrics = Metrics()
        self.deadlines = Deadlines(loop)
        self._refusals = Refusals(log, self.deadlines)
        self.endpoint = TokenEndpoint(environ=environ)
        self.gates = Gates(log.logger)
        self.own_names = frozenset({socket.gethostname().lower()})

    @cached_property
    def spool(self) -> Spool:
        """The folder for large bodies, made when a route first wants one; OSError if there is none to be had."""
        return Spool(self.log.logger)

    def close_account(self, account: Account) -> None:
        """An exchange has finished."""
        self.metrics.count(account)
        if account.route:
            self.log.exchange(account)
        else:
            self._refusals.write(account)

    async def close(self) -> None:
        """Ends the way to token endpoints; the folder goes."""
        await self.endpoint.close()
        self._refusals.expire()
        if "spool" in self.__dict__:
            await self.spool.close()
