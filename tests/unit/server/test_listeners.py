"""The listeners of a configuration."""

import asyncio
import socket

import pytest

from proxy.config.model import ListenerSettings
from proxy.config.parsed_values import Address
from proxy.forwarding.request import Request
from proxy.server import sockets
from proxy.server.listener_context import ListenerContext
from proxy.server.listeners import Listeners, release
from tests.fakes.listener import listener_context

SETTINGS = [ListenerSettings(address=Address(host="127.0.0.1", port=0))]
OTHER = ListenerSettings(address=Address(host="127.0.0.2", port=0))


async def serve(request: Request) -> None:
    """Ends the connection."""
    request.sender.abort()


@pytest.fixture
def context() -> ListenerContext:
    """A context whose exchanges do nothing."""
    return listener_context(serve)


async def test_a_handed_socket_at_another_address_is_refused(context: ListenerContext) -> None:
    """The error names the address of the socket."""
    listeners = Listeners(SETTINGS, context)
    (handed,) = sockets.listening(OTHER.address)
    with pytest.raises(OSError, match=r"`listen` does not name 127\.0\.0\.2:\d+"):
        await listeners.start([handed], reuse_port=False)
    handed.close()
    await listeners.stop()


async def test_a_change_that_is_not_applied_releases_its_addresses(context: ListenerContext) -> None:
    """The listeners stay as they were."""
    listeners = Listeners(SETTINGS, context)
    await listeners.start([], reuse_port=False)
    before = list(listeners.listeners)
    change = await asyncio.to_thread(listeners.prepare, [*SETTINGS, OTHER], context, reuse_port=False)
    port = change.opened[0].port
    release(change)

    assert listeners.listeners == before
    with socket.socket() as free:
        free.bind(("127.0.0.2", port))
    await listeners.stop()
