"""`run`: serves until it is told to stop."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.app import App
from proxy.cli.configuration import FAULTY, config_option, insecure_option, read
from proxy.cli.loops import loop_factory, signalled
from proxy.cli.precautions import forbid_core_dumps, warn
from proxy.config.model import Configuration, LogFormat
from proxy.observe.lines import LineWriter
from proxy.observe.logs import Log


@click.command()
@config_option
@insecure_option
def command(file: Path | None, *, insecure_listen: bool) -> None:
    """Serve. SIGTERM and SIGINT finish what is in flight and stop."""
    configuration = read(file, insecure_listen=insecure_listen)
    log = open_log(configuration)
    forbid_core_dumps()
    warn(configuration, log.logger)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            loop = runner.get_loop()
            try:
                app = App(configuration, log=log, environ=os.environ, loop=loop)
            except (OSError, ValueError) as error:
                click.echo(f"A file that the configuration names cannot be used: {error}", err=True)
                sys.exit(FAULTY)
            except RuntimeError as error:
                click.echo(f"The proxy cannot run here: {error}", err=True)
                sys.exit(1)
            log.writer.attach(loop)
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look at it again and again
            status = runner.run(_serve(app))
    finally:
        log.writer.close()
    sys.exit(status)


async def _serve(app: App) -> int:
    """Serves until SIGTERM or SIGINT, then drains; the exit status."""
    stopping = signalled()
    try:
        await app.start()
    except OSError as error:
        app.log.logger.error("proxy.failed", detail=str(error))  # noqa: TRY400 - an address is taken; no stack helps
        await app.stop()
        return 1
    app.log.logger.info("proxy.started", detail=summary(app))
    await stopping.wait()
    app.log.logger.info("proxy.draining")
    await app.stop()
    app.log.logger.info("proxy.stopped")
    return 0


def open_log(configuration: Configuration) -> Log:
    """The log to standard error, as the configuration wants it."""
    settings = configuration.log
    human = settings.format is LogFormat.HUMAN or (settings.format is LogFormat.AUTO and sys.stderr.isatty())
    return Log(LineWriter(sys.stderr.fileno()), level=settings.level.value, human=human, sample=settings.sample)


def summary(app: App) -> str:
    """One line: where it listens, with the ports that were given where the configuration says 0, and what it routes."""
    addresses = ", ".join(str(each.address) for each in app.listeners)
    routes = [f"{each.path or '/'} -> {each.upstream} as {each.oauth_client}" for each in app.configuration.routes]
    return f"listening on {addresses}, admin on {app.admin.address}; {listed(routes)}"


def listed(texts: Sequence[str], most: int = 20) -> str:
    """The first ones, and how many there are beside them."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
