"""A running proxy from its start to its stop; between them it may go on with other configurations."""

import asyncio
import itertools
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from proxy.app.generation import Generation, InUse, refuse_restart
from proxy.app.process_resources import ProcessResources
from proxy.clock import Clock, SystemClock
from proxy.config.file_threads import FileThreads
from proxy.config.model import Configuration
from proxy.errors import Draining, ProxyError
from proxy.forwarding.answers import problem
from proxy.forwarding.exchange import exchange
from proxy.forwarding.limits.route_limits import RouteLimits
from proxy.forwarding.request import Sender
from proxy.oauth.expiry import CredentialExpiry
from proxy.oauth.source import TokenSource
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.process_log import ProcessLog
from proxy.observe.reports import frames
from proxy.observe.traces import Traces
from proxy.server import sockets
from proxy.server.descriptors import most_connections
from proxy.server.listener import Listener
from proxy.server.listener_context import ListenerContext
from proxy.server.listeners import Listeners, ListenersChange, release
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from proxy.upstream.pool import Pool
from proxy.wire.tls_context import reason_of

if TYPE_CHECKING:
    from proxy.admin.site import AdminSite
    from proxy.wire.local_site import SiteRefusal

FEW = 0.9
"Share of `limits.max_connections`: whoever gets less is told at the start."
LAST_WORDS = 1.0
"Seconds for the answers to exchanges that did not end in time."
UNFINISHED = "The proxy was stopped before the whole request had come; send it again."


class Prepared(NamedTuple):
    """What another configuration needs, read and bound; nothing holds yet."""

    generation: Generation
    context: ListenerContext
    change: ListenersChange
    admin: "AdminSite"


class App:
    """A proxy from `start` to `stop`. Reads files when made, so it is made before its event loop runs."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        log: ProcessLog,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        clock: Clock | None = None,
        traces: Traces | None = None,
    ) -> None:
        self._resources = ProcessResources(
            log=log, environ=environ, loop=loop, clock=clock or SystemClock(), traces=traces
        )
        self.log, self.metrics = log, self._resources.metrics
        self.deadlines = self._resources.deadlines
        self.is_open = self.draining = False
        self._ids = request_ids()
        self._generation = Generation(configuration, self._resources)
        self._retired = WeakSet[InUse]()
        "Of earlier configurations, while exchanges use it."
        self.crowd = SenderConnections[SenderConnection](
            configuration.limits, most=self._most_connections(configuration)
        )
        self._threads = FileThreads()
        self._front = Listeners(configuration.listen, self._listener_context(self._generation))
        self.admin = self._admin_site(configuration)

    # ---- its life

    async def start(self, handed: list[socket.socket] | None = None) -> None:
        """Opens the admin address, then the senders' addresses; OSError if one cannot be had.

        `handed` are sockets that somebody else has opened for the senders.
        """
        self._generation.take_over()
        await open_site(self.admin)
        self._resources.gates.start()
        self._generation.start()
        await self._front.start(handed or [], reuse_port=self.configuration.reuse_port)
        self.is_open = True

    async def take(self, configuration: Configuration) -> None:
        """Goes on with another configuration, whole; OSError or ValueError leaves all as it was.

        Exchanges on their way end as they began; connections of senders stay, unless their listener has gone or lets
        others in than before.
        """
        await self.apply(await self.prepare(configuration))

    async def prepare(self, configuration: Configuration) -> Prepared:
        """Reads files and binds addresses for another configuration.

        OSError, ValueError or being cancelled leave all as it was.
        Files and host names that hang are waited for in daemon threads, for a limited time (FileHangs).
        """
        before, admin = self._generation, self.admin
        change: ListenersChange | None = None
        try:
            refuse_restart(self.configuration, configuration)
            generation = await self._threads.run(
                partial(Generation, configuration, self._resources, before=before),
            )
            context, reuse_port = self._listener_context(generation), configuration.reuse_port
            change = await self._threads.run(
                partial(self._front.prepare, configuration.listen, context, reuse_port=reuse_port), late=release
            )
            if configuration.admin.address != admin.settings.address:
                admin = self._admin_site(configuration)
                await open_site(admin)
        except BaseException:
            if change is not None:
                release(change)
            if admin is not self.admin:
                await admin.stop()
            raise
        return Prepared(generation, context, change, admin)

    async def apply(self, prepared: Prepared) -> None:
        """Goes on with what was prepared; cannot fail, and must not be cancelled."""
        before, (generation, context, change, admin) = self._generation, prepared
        configuration = generation.configuration
        await before.close(generation)  # what it follows would bring its options back
        self._generation = generation
        generation.take_over()
        self.crowd.apply(configuration.limits, most=self._most_connections(configuration))
        self._front.apply(change, context)
        admin.take(configuration.admin)
        self._resources.gates.start()
        generation.start()
        await self._front.finish(change)
        self._retired.add(before.holdings)
        before.retire(generation)
        await self._resources.gates.keep(generation.gates)
        if admin is not self.admin:
            admin, self.admin = self.admin, admin
            await admin.stop()

    async def stop(self) -> None:
        """Accepts no more, lets exchanges end for at most `drain_timeout`, then ends all; also before `start`."""
        self.draining = True
        await self._front.stop()
        for sender in self.crowd:
            sender.drain()
        await self.crowd.emptied(self.configuration.drain_timeout)
        waited_for = self._held()
        for kind in (
            RouteLimits,
            TokenSource,
            Pool,
        ):  # it does not come any more; a place first, or the next one begins
            for each in waited_for:
                if isinstance(each, kind):
                    await each.close()
        self._resources.give_up()
        for sender in self.crowd:
            sender.give_up(Draining(UNFINISHED, retry_after=1))
        await self._resources.gates.close()
        await self.crowd.emptied(LAST_WORDS)
        for sender in self.crowd:
            sender.abort()
        await self._front.close()
        await self._generation.close()
        await self._resources.close()
        await self.admin.stop()
        await asyncio.sleep(0)  # transports tell of their end in the next turn of the loop

    # ---- what can be seen of it

    @property
    def configuration(self) -> Configuration:
        """The one that holds."""
        return self._generation.configuration

    @property
    def listeners(self) -> list[Listener]:
        """In the order of the configuration."""
        return self._front.listeners

    @property
    def sources(self) -> Mapping[str, TokenSource]:
        """By OAuth client."""
        return self._generation.sources

    @property
    def expiry(self) -> CredentialExpiry:
        """When the certificates that we show expire."""
        return self._generation.expiry

    @property
    def pools(self) -> list[Pool]:
        """Connections to upstreams, also of an earlier configuration while there are any."""
        present = self._generation.pools.values()
        return [each for each in self._held() if isinstance(each, Pool) and (each in present or each.leased)]

    @property
    def waiting(self) -> dict[str, int]:
        """How many exchanges wait for their turn, by route; routes where none can wait are left out."""
        return {
            name: route.bounds.waiting
            for name, route in self._generation.routes.items()
            if route.bounds is not None and route.settings.queue
        }

    # ---- its parts

    def _held(self) -> set[TokenSource | Pool | RouteLimits]:
        """What exchanges wait for, those of earlier configurations too."""
        return set().union(*(each.parts for each in (self._generation.holdings, *self._retired)))

    def _admin_site(self, configuration: Configuration) -> "AdminSite":
        from proxy.admin.site import AdminSite  # noqa: PLC0415 - aiohttp's server is needed here only

        return AdminSite(self, configuration.admin)

    def _most_connections(self, configuration: Configuration) -> int:
        wanted = configuration.limits.max_connections
        most = most_connections(wanted, spools=any(route.spool for route in configuration.routes))
        if most < FEW * wanted:
            self.log.logger.warning(
                "connections.limited",
                most=most,
                detail=f"`limits.max_connections` is {wanted}; the system has too few descriptors, see `ulimit -n`.",
            )
        return most

    def _listener_context(self, generation: Generation) -> ListenerContext:
        return ListenerContext(
            limits=generation.configuration.limits,
            deadlines=self._resources.deadlines,
            ids=self._ids,
            connections=self.crowd,
            serve=partial(exchange, context=generation.context),
            refuse=self._refuse,
            crashed=self._crashed,
            handshake_failed=self._unsecured,
            reader=self._resources.request_reader,
            log=self.log.logger,
        )

    # ---- what happens

    def _refuse(self, sender: Sender, error: ProxyError, request_id: str) -> None:
        """Answers what never became a request, and accounts for it."""
        record, name, now = ExchangeRecord(request_id, ""), self._generation.context.name, self._resources.clock.wall()
        record.client_certificate = sender.subject
        record.failed(error)
        sender.send(problem(error, name=name, request_id=request_id, method="", close=True, now=now))
        record.end()
        self._resources.close_account(record)

    def _crashed(self, error: BaseException, address: str) -> None:
        """A fault of ours, as in `admin_failed`."""
        if self._resources.refusals.admits(500, "exchange_crashed"):
            self.log.logger.error("exchange.crashed", sender=address, error=type(error).__name__, where=frames(error))

    def admin_refused(self, refusal: "SiteRefusal") -> None:
        """The admin address refused a request or a connection."""
        if self._resources.refusals.admits(refusal.status, "admin_refused"):
            self.log.logger.warning("admin.refused", status=refusal.status, detail=refusal.detail)

    def admin_failed(self, error: BaseException | None) -> None:
        """A fault of ours at the admin address; its text is not shown, for it may quote what was sent."""
        if self._resources.refusals.admits(500, "admin_failed"):
            self.log.logger.error("admin.failed", error=type(error).__name__, where=frames(error))

    def _unsecured(self, error: Exception, address: str) -> None:
        """Not above debug: whoever reaches the port can make as many as they like."""
        reason = reason_of(error) if isinstance(error, ssl.SSLError) else str(error)
        self.log.logger.debug("handshake.failed", sender=address, reason=reason)


async def open_site(site: "AdminSite") -> None:
    """Lets it serve; OSError if its address cannot be had, FileHangs if its name is not resolved in time."""
    address = site.settings.address
    with sockets.named("admin", address):
        bound = await FileThreads().run(partial(sockets.listening, address), late=sockets.close)
        await site.start(bound)


def request_ids() -> Iterator[str]:
    """Ids that no other process gives: a random beginning, and a number."""
    beginning = secrets.token_hex(8)
    return (f"{beginning}-{number:x}" for number in itertools.count(1))
