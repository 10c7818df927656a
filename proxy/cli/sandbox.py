"""`sandbox`: the stand-in tenant on loopback, alone or with the proxy in front of it."""

import asyncio
import errno
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from proxy.cli.columns import tell
from proxy.cli.loops import loop_factory, signalled
from proxy.sandbox.tenant import Tenant

PORT_BASE = 9443
MOVE = " --port-base 19443 moves all ports of config/sandbox.yaml (make run PORT_BASE=19443)."


@click.command()
@click.option(
    "--port-base",
    default=PORT_BASE,
    show_default=True,
    type=click.IntRange(0, 65530),
    metavar="N",
    help="First of four ports, and of six with --proxy; 0 chooses free ports.",
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
        in_use = errno.EADDRINUSE in (error.errno, getattr(error.__cause__, "errno", None))
        tell(f"The sandbox cannot start: {error}.{MOVE if in_use else ''}")
        sys.exit(1)


async def _serve(port_base: int, directory: Path, file: Path | None) -> None:
    tenant = Tenant()
    stopping = signalled()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload
    ports = f"the ports {port_base} to {port_base + 3}" if port_base else "four free ports"
    click.echo(f"The stand-in tenant uses {ports} of 127.0.0.1.")
    await tenant.start(port_base)
    try:
        tenant.write(directory)
        if file is None:
            _introduce(tenant, directory)
            await stopping.wait()
        else:
            from proxy.cli.tour import tour  # noqa: PLC0415 - only the tour needs the whole proxy

            moved = variables(tenant, port_base, directory, file)
            os.environ.update(moved)  # for the configuration, which is read as by any other command
            click.echo(f"Its messages and faults are at {tenant.control_url}.")
            click.echo(f"The proxy in front of it uses {file}.")
            if moved:
                click.echo("Before other commands with this configuration:")
                _export(moved)
            await tour(file, tenant, stopping)
    finally:
        await tenant.close()


def _introduce(tenant: Tenant, directory: Path) -> None:
    """Prints where the tenant is, and the variables with which a proxy without a file uses it."""
    for name, value in tenant.describe().items():
        click.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    click.echo("For a proxy without a file, in another terminal:")
    folder = directory.absolute()
    _export(
        {
            "CPI_TOKEN_URL": tenant.neo_token_url,
            "CPI_CLIENT_ID": tenant.neo_client.client_id,
            "CPI_CLIENT_SECRET_FILE": str(folder / "neo-secret"),
            "CPI_UPSTREAM": f"{tenant.runtime_url}/http/orders",
            "CPI_CA_FILE": str(folder / "ca.pem"),
        }
    )
    click.echo(f"certificates, secrets and service keys: {directory}")
    click.echo("Serving, Ctrl-C ends.")


def _export(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        click.echo(f"  export {name}={shlex.quote(value)}")


def variables(tenant: Tenant, port_base: int, directory: Path, file: Path) -> dict[str, str]:
    """Returns what config/sandbox.yaml needs to find the tenant; nothing if all is at its default.

    The proxy's two ports follow the tenant's four. If those are free ones, so are the proxy's.
    """
    is_beside = directory.resolve() == (file.parent / ".." / ".sandbox").resolve()
    moved = {} if is_beside else {"SANDBOX_DIRECTORY": str(directory.absolute())}
    if port_base == PORT_BASE:
        return moved
    addresses = tenant.addresses
    return moved | {
        "SANDBOX_PROXY_PORT": str(port_base and port_base + 4),
        "SANDBOX_ADMIN_PORT": str(port_base and port_base + 5),
        "SANDBOX_NEO_PORT": str(addresses.neo),
        "SANDBOX_RUNTIME_PORT": str(addresses.runtime),
    }
