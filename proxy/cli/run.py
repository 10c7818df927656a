"""`run`: serves until a signal stops it, and reloads the configuration."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.app import App, StoreUnreadable
from proxy.cli.columns import tell
from proxy.cli.configuration import FAULTY, config_option, file_argument, insecure_option, named, read
from proxy.cli.hardening import exposed_files, warn
from proxy.cli.loops import loop_factory, signalled, unless
from proxy.cli.reloading import ConfigurationWatcher, Reloader
from proxy.cli.service_manager import ServiceManager
from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.load import find, locate
from proxy.config.model import Configuration, LogFormat, LogSettings
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.observe.reports import reporting
from proxy.observe.traces import Traces, open_traces
from proxy.server.sockets import handed_over, taken_by

if TYPE_CHECKING:
    from proxy.sandbox.tenant import Tenant

RELOADS = frozenset({signal.SIGHUP})


@click.command()
@config_option
@file_argument
@insecure_option
@click.option("--watch", is_flag=True, help="Reload when the configuration file changes.")
def command(file: Path | None, word: Path | None, *, insecure_listen: bool, watch: bool) -> None:
    """Run the proxy.

    SIGTERM or SIGINT lets running exchanges finish, then stops; a second one stops at once. SIGHUP reloads the
    configuration.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, RELOADS)  # it would end the process; blocked, it waits for the handler
    file = locate(named(file, word))
    if watch and file is None:
        raise click.UsageError("--watch needs a configuration file; this configuration is from environment variables.")
    watcher = ConfigurationWatcher(file) if file and watch else None
    configuration = read(file, insecure_listen=insecure_listen)
    log = open_log(configuration)
    warn(configuration, exposed_files(configuration), log.logger)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            loop = runner.get_loop()
            try:
                traces = open_traces(os.environ, log.logger, loop)
                app = with_console(configuration, log=log, loop=loop, file=file, traces=traces)
            except (OSError, ValueError) as error:
                tell(f"A file that the configuration names cannot be used: {error}")
                sys.exit(FAULTY)
            except RuntimeError as error:
                tell(f"The proxy cannot run here: {error}")
                sys.exit(1)
            log.writer.attach(loop)
            gc.collect()
            gc.freeze()  # the collector need not visit what lives as long as the process
            again = partial(find, file, os.environ, insecure_listen=insecure_listen)
            with reporting(log.logger, loop):
                status = runner.run(_serve(app, again, watcher))
    finally:
        log.writer.close()
    sys.exit(status)


async def _serve(app: App, again: Callable[[], Configuration], watcher: ConfigurationWatcher | None) -> int:
    """Serves until SIGTERM or SIGINT, then drains; returns the exit status."""
    log, stopping = app.log.logger, signalled()
    manager = ServiceManager(os.environ, log)
    try:
        is_started = await unless(stopping, app.start(handed_over(os.environ, os.getpid())))
    except (OSError, ValueError) as error:
        log.error("proxy.failed", detail=str(error))  # noqa: TRY400 - an address is in use; a stack does not help
        await app.stop()
        return FAULTY if isinstance(error, StoreUnreadable) else 1
    if not is_started:  # stopped while DNS was resolving a listener's name
        await app.stop()
        log.info("proxy.stopped")
        return 0
    console = ConsoleUrl(app)
    applied = partial(_reloaded, app, console)
    reloader = Reloader(app, read=again, applied=applied, begun=manager.reloading, ended=manager.ready)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.request)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, RELOADS)
    reloader.start()
    if watcher:
        watcher.start(reloader, log)
    log.info("proxy.started", detail=summary(app))
    console.show()
    manager.ready()
    has_failed = await unless(stopping, app.message_store.failed.wait())
    manager.stopping()
    log.info("proxy.draining")
    if watcher:
        await watcher.close()
    await reloader.close()
    await app.stop()
    log.info("proxy.stopped")
    return int(has_failed)


def with_console(
    configuration: Configuration,
    *,
    log: ProcessLog,
    loop: asyncio.AbstractEventLoop,
    file: Path | None,
    traces: Traces | None = None,
    tenant: "Tenant | None" = None,
) -> App:
    """Returns a proxy that has the console; `tenant` is the sandbox in this process, if there is one.

    Reads files: OSError or ValueError if one cannot be used.
    """
    from proxy.console.site import Console  # noqa: PLC0415 - takes time that other commands need not spend

    console = Console(config=file, tenant=tenant)
    app = App(configuration, log=log, environ=os.environ, loop=loop, traces=traces, extension=console)
    console.attach(app)
    return app


async def _reloaded(app: App, console: "ConsoleUrl", configuration: Configuration) -> None:
    """Logs the reload, and warns as at the start."""
    app.log.apply(**log_options(configuration.log))
    app.log.logger.info("config.reloaded", detail=summary(app))
    console.show()
    exposed: list[Path] = []
    with suppress(FileHangs):  # the watcher of that file logs it
        exposed = await FileThreads().run(partial(exposed_files, configuration))
    warn(configuration, exposed, app.log.logger)


class ConsoleUrl:
    """Shows the URL of the console on a terminal, behind the log's lines; with its token it has no place in a log."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shown: str | None = None

    def show(self) -> None:
        """Prints it, unless it is the one that was printed last."""
        before, self._shown = self._shown, self._app.admin.console_url
        if self._shown not in (None, before) and sys.stderr.isatty():
            self._app.log.writer.write(f"Console: {self._shown}")  # a terminal that is stopped would block an echo


def open_log(configuration: Configuration) -> ProcessLog:
    """Returns a log to standard error with the configuration's settings."""
    return ProcessLog(LineWriter(sys.stderr.fileno()), **log_options(configuration.log))


def log_options(settings: LogSettings) -> dict[str, Any]:
    """Returns the log's options; `auto` means human on a terminal, else JSON."""
    terminal = sys.stderr.isatty()
    human = settings.format is LogFormat.HUMAN or (settings.format is LogFormat.AUTO and terminal)
    color = terminal and not os.environ.get("NO_COLOR")  # no-color.org: any value but an empty one
    return {"level": settings.level.value, "human": human, "sample": settings.sample, "color": color}


def summary(app: App) -> str:
    """Returns one line with the addresses, ports as bound, and the routes."""
    addresses = ", ".join(each.place for each in app.listeners)
    admin = f"{app.admin.address}{taken_by(app.admin.sockets)}"
    routes = [f"{each.path or '/'} -> {each.upstream} as {each.oauth_client}" for each in app.configuration.routes]
    return f"listening on {addresses}, admin on {admin}; {listed(routes)}"


def listed(texts: Sequence[str], most: int = 20) -> str:
    """Joins the first texts, and counts the rest."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
