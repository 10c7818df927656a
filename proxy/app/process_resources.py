"""What the process has, whatever the configuration: its log, counters, clocks, and the session for grants."""

import asyncio
import socket
from collections.abc import Mapping
from functools import cached_property, partial

from proxy.clock import Clock
from proxy.forwarding.auth.authenticators import Authenticators
from proxy.forwarding.fields import request_names, response_names
from proxy.forwarding.spool import Spool
from proxy.oauth.endpoint import GrantSession
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import Metrics
from proxy.observe.process_log import ProcessLog
from proxy.observe.traces import Traces
from proxy.server.refusals import Refusals
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestReader, ResponseReader
from proxy.wire.resolver import Resolver


class ProcessResources:
    """Made once; `close` when nothing is on its way any more."""

    def __init__(
        self,
        *,
        log: ProcessLog,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        traces: Traces | None = None,
    ) -> None:
        self.log = log
        self.traces = traces
        self.close_account = self._count if traces is None else partial(self._count_traced, traces)
        "Takes the account of what has finished."
        self.environ = environ
        self.clock = clock
        self.metrics = Metrics()
        self.deadlines = Deadlines(loop)
        self.request_reader, self.response_reader = RequestReader(request_names()), ResponseReader(response_names())
        self.refusals = Refusals(log, self.deadlines)
        self.resolver = Resolver()
        self.grant_session = GrantSession(environ=environ, resolver=self.resolver)
        self.gates = Authenticators(log.logger)
        self.own_names = frozenset({socket.gethostname().lower().rstrip(".")})

    @cached_property
    def spool(self) -> Spool:
        """The folder for large bodies, made when a route first wants one; OSError if there is none to be had."""
        return Spool(self.log.logger)

    def give_up(self) -> None:
        """Exchanges wait for no disk any more."""
        if "spool" in self.__dict__:
            self.spool.give_up()

    def _count(self, record: ExchangeRecord) -> None:
        self.metrics.count(record)
        if record.route:
            self.log.exchange(record)
        else:
            self.refusals.write(record)

    def _count_traced(self, traces: Traces, record: ExchangeRecord) -> None:
        traces.end(record)
        self._count(record)

    async def close(self) -> None:
        """Closes the session for grants; the folder goes; the last spans are sent."""
        await self.grant_session.close()
        self.refusals.deadline_reached()
        if "spool" in self.__dict__:
            await self.spool.close()
        if self.traces is not None:
            await self.traces.close()
