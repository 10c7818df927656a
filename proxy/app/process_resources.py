"""What belongs to the process, whatever its configuration: log, counters, clocks, name resolution, token requests."""

import asyncio
import itertools
import random
import secrets
import socket
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from proxy.app.incidents import Incidents
from proxy.clock import Clock
from proxy.forwarding.auth.authenticators import Authenticators
from proxy.forwarding.fields import request_names, response_names
from proxy.forwarding.spool import Spool
from proxy.oauth.endpoint import GrantSession
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.metrics import Metrics
from proxy.observe.observers import BeginningObserver, ExchangeObserver
from proxy.observe.process_log import ProcessLog
from proxy.observe.recording import BeginRecording
from proxy.observe.traces import Traces
from proxy.outbox.message_ids import MessageIds
from proxy.outbox.outboxes import Outboxes
from proxy.server.refusals import Refusals
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestReader, ResponseReader
from proxy.wire.resolver import Resolver

if TYPE_CHECKING:
    from proxy.app.shared_store import SharedStore


class ProcessResources:
    """Made once per process; `close` it when no exchange is left."""

    def __init__(
        self,
        *,
        log: ProcessLog,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        traces: Traces | None = None,
        beginning: tuple[BeginningObserver, ...] = (),
        finishing: tuple[ExchangeObserver, ...] = (),
        recorded: dict[str, BeginRecording] | None = None,
        store: "SharedStore | None" = None,
    ) -> None:
        """`finishing` are observers after the log."""
        self.log = log
        self.store = store
        self.traces = traces
        self.environ = environ
        self.clock = clock
        self.metrics = Metrics()
        self.deadlines = Deadlines(loop)
        self.ids = request_ids()
        self.request_reader, self.response_reader = RequestReader(request_names()), ResponseReader(response_names())
        self.resolver = Resolver()
        self.grant_session = GrantSession(environ=environ, resolver=self.resolver)
        self.authenticators = Authenticators(log.logger)
        self.own_names = frozenset({socket.gethostname().lower().rstrip(".")})
        self.message_ids = MessageIds(clock.wall)
        self.outboxes = Outboxes(clock=clock, timer=loop, log=log, metrics=self.metrics, random=random.random)
        self._refusals = Refusals(log, self.deadlines)
        self.incidents = Incidents(log.logger, self._refusals)
        self.beginning: tuple[BeginningObserver, ...] = beginning if traces is None else (*beginning, traces)
        "Observers of exchanges that begin."
        self.finishing: tuple[ExchangeObserver, ...] = (
            *self.beginning,
            self.metrics,
            ExchangeLines(log, self._refusals),
            *finishing,
        )
        "Observers of exchanges that end: all of them."
        self.recorded: dict[str, BeginRecording] = {} if recorded is None else recorded
        "What records exchanges, by the name of their route; it may change at any time."

    @cached_property
    def spool(self) -> Spool:
        """The folder for large bodies, created when a route first needs it; OSError if that fails."""
        return Spool(self.log.logger)

    def give_up(self) -> None:
        """Ends the wait of exchanges for the disk."""
        if "spool" in self.__dict__:
            self.spool.give_up()

    async def close(self) -> None:
        """Closes the connections to token endpoints and to the store, removes the folder, and sends the last spans."""
        await self.grant_session.close()
        if self.store is not None:
            await self.store.close()
        self._refusals.report()
        if "spool" in self.__dict__:
            await self.spool.close()
        if self.traces is not None:
            await self.traces.close()


class ExchangeLines:
    """The observer that logs each exchange: one line each with a route; refusals without a route in limited number."""

    def __init__(self, log: ProcessLog, refusals: Refusals) -> None:
        self._log = log
        self._refusals = refusals

    def finished(self, record: ExchangeRecord) -> None:
        """Writes the line of the exchange, or counts it."""
        if record.route:
            self._log.exchange(record)
        else:
            self._refusals.write(record)


def request_ids() -> Iterator[str]:
    """Yields ids that no other process gives: a random prefix and a number."""
    prefix = secrets.token_hex(8)
    return (f"{prefix}-{number:x}" for number in itertools.count(1))
