"""`sandbox`: the stand-in tenant on loopback, alone or with the proxy in front of it."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from proxy.cli.loops import loop_factory, signalled
from proxy.sandbox.tenant import Tenant

PORT_BASE = 9443


@click.command()
@click.option(
    "--port-base",
    default=PORT_BASE,
    show_default=True,
    type=click.IntRange(0, 65532),
    metavar="N",
    help="First of four ports; 0 chooses free ports.",
)
@click.option(
    "--directory",
    default=Path(".sandbox"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for certificates, secrets and service keys.",
)
@click.option(
    "--proxy",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also run the proxy with this configuration, and send the example's requests through it.",
)
def command(port_base: int, directory: Path, file: Path | None) -> None:
    """Run the stand-in tenant until a signal stops it.

    The last of the four ports is the control address. GET /messages, /grants and /runs show what arrived. GET /faults
    lists the faults and their values. PUT /faults/NAME with {"value": …, "count": …}, both optional, switches one on;
    DELETE /faults/NAME switches it off, DELETE /faults all of them. POST /tokens/expire voids all tokens,
    /sessions/forget all CSRF sessions, and /connections/close closes idle connections. POST /reset starts again
    without any token, message or fault.
    """
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(port_base, directory, file))
    except OSError as error:
        click.echo(f"The sandbox cannot start: {error}", err=True)
        sys.exit(1)


async def _serve(port_base: int, directory: Path, file: Path | None) -> None:
    tenant = Tenant()
    stopping = signalled()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload
    await tenant.start(port_base)
    try:
        tenant.write(directory)
        if file is None:
            for name, value in tenant.describe().items():
                click.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
            click.echo(f"certificates, secrets and service keys: {directory}")
            await stopping.wait()
        else:
            from proxy.cli.tour import tour  # noqa: PLC0415 - only the tour needs the whole proxy

            click.echo(f"A stand-in tenant runs on this machine; see its messages and faults at {tenant.control_url}.")
            click.echo(f"The proxy in front of it uses {file}.")
            await tour(file, tenant, stopping)
    finally:
        await tenant.close()
