"""`console`: prints the URL that opens the console of the running proxy, or opens it."""

import os
import shlex
import sys
import webbrowser
from pathlib import Path

import click

from proxy.admin.site import CODES, console_url
from proxy.cli.columns import tell
from proxy.cli.configuration import config_option, file_argument, named, read
from proxy.cli.loops import run
from proxy.cli.running_proxy import Unreachable, running_proxy
from proxy.config.listen import ADMIN
from proxy.config.model import Address, Configuration
from proxy.store.place import store_folder

NO_BROWSER = "No browser could be opened; open the URL yourself."


@click.command()
@config_option
@file_argument
@click.option("--open", "opens", is_flag=True, help="Open the URL in a browser.")
def command(file: Path | None, word: Path | None, *, opens: bool) -> None:
    """Print the URL of the running proxy's console.

    The URL contains the admin token, so anyone who has it can use the console. If the admin address is a Unix socket,
    the command prints how to forward a port to it.
    """
    configuration = read(named(file, word), insecure_listen=True)  # nobody listens
    admin = configuration.admin
    try:
        token, code = run(_tokens(configuration, with_code=opens))
    except Unreachable as error:
        tell(str(error))
        sys.exit(1)
    if admin.address.path is not None:
        click.echo(forwarding(admin.address.path, token))
        opened = not opens
    else:
        click.echo(console_url(admin.address, token))
        opened = not opens or webbrowser.open(console_url(admin.address, code))
    if not opened:
        tell(NO_BROWSER)
        sys.exit(1)


async def _tokens(configuration: Configuration, *, with_code: bool) -> tuple[str, str]:
    """Returns the token, and a code that opens one session: all users can see a browser's command line."""
    async with running_proxy(configuration.admin, store=store_folder(configuration, os.environ)) as proxy:
        if not with_code:
            return proxy.token, ""
        async with proxy.session.post(CODES) as answer:
            return proxy.token, await answer.text()


def forwarding(path: Path, token: str) -> str:
    """Returns how a browser reaches a Unix socket."""
    port, socket = ADMIN.port, shlex.quote(str(path))
    url = console_url(Address(host=ADMIN.host, port=port), token)
    return "\n".join(
        [
            "The admin address is a Unix socket, which browsers cannot open. Forward a port to it, on this machine",
            f"  socat TCP-LISTEN:{port},bind={ADMIN.host},reuseaddr,fork UNIX-CONNECT:{socket}",
            "or from another one",
            f"  ssh -N -L {port}:{socket} USER@HOST",
            "then open",
            f"  {url}",
        ]
    )
