"""A listener's context in memory or on loopback."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from proxy.config.model import Limits
from proxy.errors import ProxyError
from proxy.forwarding.request import Request, Sender
from proxy.observe.process_log import ProcessLog
from proxy.server.listener_context import ListenerContext
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from tests.fakes.heads import REQUESTS
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop


def unexpected(error: BaseException, address: str, *, wants_certificate: bool = False) -> None:
    """Never called."""
    raise AssertionError(error, address, wants_certificate)


def refuse(sender: Sender, error: ProxyError, request_id: str) -> None:
    """By code and id."""
    sender.send(f"<{error.code} {request_id}>".encode())


def listener_context(
    serve: Callable[[Request], Coroutine[Any, Any, None]], limits: Limits | None = None, **changes: Any
) -> ListenerContext:
    """A crash or a failed handshake fails the test."""
    limits = limits or Limits()
    context = ListenerContext(
        limits=limits,
        deadlines=HandLoop(monotonic=0.0).deadlines(),
        ids=iter(f"id-{number}" for number in range(1, 1000)),
        connections=SenderConnections[SenderConnection](limits),
        serve=serve,
        refuse=refuse,
        crashed=unexpected,
        handshake_failed=unexpected,
        reader=REQUESTS,
        log=ProcessLog(LogLines(), level="debug", human=False).logger,
    )
    return replace(context, **changes)
