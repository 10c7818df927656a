"""`run`: serves until it is told to stop, and goes on with another configuration when it is told to."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from proxy.app import App
from proxy.cli.configuration import FAULTY, config_option, insecure_option, read
from proxy.cli.hardening import exposed_files, warn
from proxy.cli.loops import loop_factory, signalled, unless
from proxy.cli.reloading import ConfigurationWatcher, Reloading
from proxy.cli.service_manager import ServiceManager
from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.load import find, locate
from proxy.config.model import Configuration, LogFormat, LogSettings
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.observe.reports import reporting
from proxy.observe.traces import open_traces
from proxy.server.sockets import handed_over, taken_by

RELOADS = frozenset({signal.SIGHUP})


@click.command()
@config_option
@insecure_option
@click.option("--watch", is_flag=True, help="Reload when the configuration file changes.")
def command(file: Path | None, *, insecure_listen: bool, watch: bool) -> None:
    """Serve. SIGTERM and SIGINT finish what is in flight and stop (twice: at once); SIGHUP reloads."""
    signal.pthread_sigmask(signal.SIG_BLOCK, RELOADS)  # it would end us; now it waits until we can reload
    file = locate(file)
    if watch and file is None:
        raise click.UsageError("--watch needs a configuration file; this configuration is made of variables.")
    watcher = ConfigurationWatcher(file) if file and watch else None
    configuration = read(file, insecure_listen=insecure_listen)
    log = open_log(configuration)
    warn(configuration, exposed_files(configuration), log.logger)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            loop = runner.get_loop()
            try:
                traces = open_traces(os.environ, log.logger, loop)
                app = App(configuration, log=log, environ=os.environ, loop=loop, traces=traces)
            except (OSError, ValueError) as error:
                click.echo(f"A file that the configuration names cannot be used: {error}", err=True)
                sys.exit(FAULTY)
            except RuntimeError as error:
                click.echo(f"The proxy cannot run here: {error}", err=True)
                sys.exit(1)
            log.writer.attach(loop)
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look at it again and again
            again = partial(find, file, os.environ, insecure_listen=insecure_listen)
            with reporting(log.logger, loop):
                status = runner.run(_serve(app, again, watcher))
    finally:
        log.writer.close()
    sys.exit(status)


async def _serve(app: App, again: Callable[[], Configuration], watcher: ConfigurationWatcher | None) -> int:
    """Serves until SIGTERM or SIGINT, then drains; the exit status."""
    log, stopping = app.log.logger, signalled()
    manager = ServiceManager(os.environ, log)
    try:
        is_started = await unless(stopping, app.start(handed_over(os.environ, os.getpid())))
    except (OSError, ValueError) as error:
        log.error("proxy.failed", detail=str(error))  # noqa: TRY400 - an address is taken; no stack helps
        await app.stop()
        return 1
    if not is_started:  # DNS may hang for the name of an address
        await app.stop()
        log.info("proxy.stopped")
        return 0
    reloading = Reloading(app, read=again, taken=partial(_reloaded, app), begun=manager.reloading, ended=manager.ready)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.want)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, RELOADS)
    reloading.start()
    if watcher:
        watcher.start(reloading, log)
    log.info("proxy.started", detail=summary(app))
    manager.ready()
    await stopping.wait()
    manager.stopping()
    log.info("proxy.draining")
    if watcher:
        await watcher.close()
    await reloading.close()
    await app.stop()
    log.info("proxy.stopped")
    return 0


async def _reloaded(app: App, configuration: Configuration) -> None:
    """Another configuration holds."""
    app.log.apply(**log_options(configuration.log))
    app.log.logger.info("config.reloaded", detail=summary(app))
    exposed: list[Path] = []
    with suppress(FileHangs):  # who follows the file tells of it
        exposed = await FileThreads().run(partial(exposed_files, configuration))
    warn(configuration, exposed, app.log.logger)


def open_log(configuration: Configuration) -> ProcessLog:
    """The log to standard error, as the configuration wants it."""
    return ProcessLog(LineWriter(sys.stderr.fileno()), **log_options(configuration.log))


def log_options(settings: LogSettings) -> dict[str, Any]:
    """What is written, and how; for people where standard error is a terminal and nothing else is said."""
    terminal = sys.stderr.isatty()
    human = settings.format is LogFormat.HUMAN or (settings.format is LogFormat.AUTO and terminal)
    color = terminal and not os.environ.get("NO_COLOR")  # no-color.org: any value but an empty one
    return {"level": settings.level.value, "human": human, "sample": settings.sample, "color": color}


def summary(app: App) -> str:
    """One line: where it listens, with the ports that were given where the configuration says 0, and what it routes."""
    addresses = ", ".join(each.place for each in app.listeners)
    admin = f"{app.admin.address}{taken_by(app.admin.sockets)}"
    routes = [f"{each.path or '/'} -> {each.upstream} as {each.oauth_client}" for each in app.configuration.routes]
    return f"listening on {addresses}, admin on {admin}; {listed(routes)}"


def listed(texts: Sequence[str], most: int = 20) -> str:
    """The first ones, and how many there are beside them."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
