"""The life of a running proxy: start, reload, stop."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from proxy.app.admin_address import kept_token, new_site, open_site
from proxy.app.connection_limit import connection_limit
from proxy.app.extension import AppExtension
from proxy.app.generation import Closable, Generation, InUse, refuse_restart
from proxy.app.incidents import refuse
from proxy.app.message_store import MessageStore
from proxy.app.process_resources import ProcessResources
from proxy.clock import Clock, SystemClock
from proxy.config.file_threads import FileThreads
from proxy.config.model import Configuration
from proxy.errors import Draining, ProxyError
from proxy.forwarding.exchange import exchange
from proxy.forwarding.limits.route_limits import RouteLimits
from proxy.forwarding.request import Sender
from proxy.forwarding.routes import Route
from proxy.oauth.source import TokenSource
from proxy.observe.logger import Logger
from proxy.observe.observers import BeginningObserver, ExchangeObserver
from proxy.observe.process_log import ProcessLog
from proxy.observe.traces import Traces
from proxy.server.listener import Listener
from proxy.server.listener_context import ListenerContext
from proxy.server.listeners import Listeners, ListenersChange, release
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from proxy.upstream.pool import Pool

if TYPE_CHECKING:
    from proxy.admin.admin_token import AdminToken
    from proxy.admin.site import AdminSite
    from proxy.admin.state import ProxyState
    from proxy.app.shared_store import SharedStore
    from proxy.config.file_watcher import FileWatcher
    from proxy.store.keys import Keys

LAST_WORDS = 1.0
"Seconds at shutdown for the answers to exchanges that did not finish in time."
UNFINISHED = "The proxy stopped before the whole request had arrived; send it again."


class PreparedReload(NamedTuple):
    """What another configuration needs: files are read and addresses bound, but nothing is applied yet."""

    generation: Generation
    context: ListenerContext
    change: ListenersChange
    admin: "AdminSite"
    admin_token: "AdminToken"
    keys: "FileWatcher[Keys] | None"
    "Another keys file of the store."


class App:
    """A proxy from `start` to `stop`. Its constructor reads files, so call it before the event loop runs."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        log: ProcessLog,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        clock: Clock | None = None,
        traces: Traces | None = None,
        beginning: tuple[BeginningObserver, ...] = (),
        extension: AppExtension | None = None,
        delivers: bool = True,
    ) -> None:
        """`delivers` tells whether it takes messages from an outbox that replicas share."""
        self._resources = ProcessResources(
            log=log,
            environ=environ,
            loop=loop,
            clock=clock or SystemClock(),
            traces=traces,
            beginning=beginning,
            finishing=extension.observers if extension else (),
            recorded=extension.recorded if extension else {},
            store=shared_store(configuration, log.logger),
        )
        self.extension = extension
        self.log, self.metrics, self.deadlines = log, self._resources.metrics, self._resources.deadlines
        self.incidents, self.outboxes = self._resources.incidents, self._resources.outboxes
        self.wall = self._resources.clock.wall
        self._is_open = self.draining = False
        self._threads = FileThreads()
        self.message_store = MessageStore(self._resources, shared=delivers)
        self._generation = Generation(configuration, self._resources)
        self._retired = WeakSet[InUse]()
        "Of earlier configurations, as long as an exchange or a connection can use them."
        self.senders = SenderConnections[SenderConnection](
            configuration.limits, most=connection_limit(configuration, log.logger)
        )
        self._listeners = Listeners(configuration.listen, self._listener_context(self._generation))
        self.admin = new_site(self, extension, configuration.admin, kept_token(configuration, self._resources))

    async def start(self, handed: list[socket.socket] | None = None) -> None:
        """Opens the admin address, then the listeners for senders; OSError if an address is not available.

        `handed` are sockets for senders that a service manager has opened.
        """
        self._generation.apply()
        await open_site(self.admin)
        self._resources.authenticators.start()
        if self._resources.store is not None:
            await self._resources.store.start()
        self._generation.start()
        await self._resources.outboxes.apply(self._generation.routes)
        await self.message_store.open(self.configuration)
        await self._listeners.start(handed or [], reuse_port=self.configuration.reuse_port)
        self._is_open = True

    async def prepare(self, configuration: Configuration) -> PreparedReload:
        """Reads the files and binds the addresses of another configuration.

        OSError, ValueError and cancellation leave everything as it was. Files and host names that hang are waited for
        in daemon threads, for a limited time (FileHangs).
        """
        before, admin = self._generation, self.admin
        change: ListenersChange | None = None
        try:
            refuse_restart(self.configuration, configuration)
            generation = await self._threads.run(
                partial(Generation, configuration, self._resources, before=before),
            )
            keys = None
            if self._resources.store is not None and configuration.store != self.configuration.store:
                keys = await self._threads.run(partial(self._resources.store.keys_watcher, configuration.store))
            context, reuse_port = self._listener_context(generation), configuration.reuse_port
            change = await self._threads.run(
                partial(self._listeners.prepare, configuration.listen, context, reuse_port=reuse_port), late=release
            )
            token = await self._threads.run(partial(kept_token, configuration, self._resources, admin))
            if configuration.admin.address != admin.settings.address:
                admin = new_site(self, self.extension, configuration.admin, token)
                await open_site(admin)
            await self.message_store.prepare(self.configuration, configuration)
        except BaseException:
            if change is not None:
                release(change)
            if admin is not self.admin:
                await admin.stop()
            raise
        return PreparedReload(generation, context, change, admin, token, keys)

    async def apply(self, prepared: PreparedReload) -> None:
        """Switches to the prepared configuration; cannot fail, and must not be cancelled.

        Running exchanges finish as they began. Connections of senders stay, unless their listener is gone or admits
        other senders than before.
        """
        before, (generation, context, change, admin, token, keys) = self._generation, prepared
        configuration = generation.configuration
        await before.close(generation)  # a file that changes now would apply the options of the old configuration
        self._generation = generation
        if self._resources.store is not None and keys is not None:
            await self._resources.store.use(keys)
        generation.apply()
        self.senders.apply(configuration.limits, most=connection_limit(configuration, self.log.logger))
        self._listeners.apply(change, context)
        self._resources.authenticators.start()
        generation.start()
        await self._resources.outboxes.apply(generation.routes)
        await self._listeners.finish(change)
        self._retired.add(before.in_use)
        before.retire(generation)
        await self._resources.authenticators.keep(generation.authenticated)
        await admin.apply(configuration.admin, token)  # last, because it may wait for a file
        if admin is not self.admin:
            admin, self.admin = self.admin, admin
            await admin.stop()

    async def stop(self) -> None:
        """Stops accepting, lets exchanges finish for up to `drain_timeout`, then ends the rest; also before `start`."""
        self.draining = True
        outboxes, patience = self._resources.outboxes, self.configuration.drain_timeout
        await self._listeners.stop()
        outboxes.stop()
        for sender in self.senders:
            sender.drain()
        await asyncio.gather(self.senders.emptied(patience), outboxes.emptied(patience))
        waited_for = self._waited_for()
        for kind in (RouteLimits, TokenSource, Pool):  # limits first: a freed place would start the next exchange
            for each in waited_for:
                if isinstance(each, kind):
                    await each.close()
        self._resources.give_up()
        for sender in self.senders:
            sender.give_up(Draining(UNFINISHED, retry_after=1))
        await self._resources.authenticators.close()
        await asyncio.gather(self.senders.emptied(LAST_WORDS), outboxes.emptied(LAST_WORDS))
        for sender in self.senders:
            sender.abort()
        await self._listeners.close()
        await self._generation.close()
        await self.message_store.close()
        await self._resources.close()
        if self.extension is not None:
            await self.extension.close()
        await self.admin.stop()
        await asyncio.sleep(0)  # transports report their end in the next turn of the event loop

    @property
    def configuration(self) -> Configuration:
        """The active configuration."""
        return self._generation.configuration

    @property
    def routes(self) -> Mapping[str, Route]:
        """The active routes, by name."""
        return self._generation.routes

    @property
    def sources(self) -> Mapping[str, TokenSource]:
        """The active token sources, by OAuth client."""
        return self._generation.sources

    def sender_context(self, observer: ExchangeObserver) -> ListenerContext:
        """Returns what a sender without a listener needs; `observer` sees its exchanges before all others do."""
        context = self._generation.context
        context = replace(context, finishing=(observer, *context.finishing))
        found = self._listener_context(self._generation)
        return replace(found, serve=partial(exchange, context=context), refuse=partial(refuse, context=context))

    @property
    def listeners(self) -> list[Listener]:
        """The listeners in the order of the configuration."""
        return self._listeners.listeners

    @property
    def pools(self) -> list[Pool]:
        """The pools of upstream connections; those of earlier configurations only while exchanges use them."""
        present = self._generation.pools.values()
        return [each for each in self._waited_for() if isinstance(each, Pool) and (each in present or each.leased)]

    def state(self) -> "ProxyState":
        """Returns what the admin address shows at this moment."""
        from proxy.admin.state import ProxyState  # noqa: PLC0415 - loads aiohttp's server

        generation = self._generation
        return ProxyState(
            is_open=self._is_open,
            draining=self.draining,
            connections=len(self.senders),
            max_connections=self.senders.most,
            in_flight=sum(sender.busy for sender in self.senders),
            routes=generation.configuration.routes,
            sources=generation.sources,
            pools=self.pools,
            waiting=generation.waiting,
            certificate_ends=generation.expiry.ends,
            store=None if self._resources.store is None else self._resources.store.state,
        )

    def _waited_for(self) -> set[Closable]:
        """Everything that an exchange can wait for, of earlier configurations too."""
        return set().union(*(each.parts for each in (self._generation.in_use, *self._retired)))

    def _listener_context(self, generation: Generation) -> ListenerContext:
        resources = self._resources
        return ListenerContext(
            limits=generation.configuration.limits,
            deadlines=resources.deadlines,
            ids=resources.ids,
            connections=self.senders,
            serve=partial(exchange, context=generation.context),
            refuse=self._refuse,
            crashed=resources.incidents.crashed,
            handshake_failed=resources.incidents.handshake_failed,
            reader=resources.request_reader,
            log=resources.log.logger,
        )

    def _refuse(self, sender: Sender, error: ProxyError, request_id: str) -> None:
        refuse(sender, error, request_id, self._generation.context)


def shared_store(configuration: Configuration, log: Logger) -> "SharedStore | None":
    """Returns the store that replicas share, None without one; OSError or ValueError if it is not usable."""
    settings = configuration.store
    if settings.postgres is None:
        return None
    from proxy.app.shared_store import SharedStore  # noqa: PLC0415 - loads the extra

    return SharedStore(settings.postgres, settings, ca_file=configuration.ca_file, log=log)
