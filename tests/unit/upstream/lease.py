"""A connection to an upstream over a transport of memory, with the exchange that leases it."""

from proxy.errors import UpstreamTimeout
from proxy.upstream.connection import UpstreamConnection
from proxy.wire.coroutine_runner import Wakeable
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Wire(Wakeable):
    """Both ends, and the exchange."""

    def __init__(self, method: str = "POST", *, lease: bool = True, end: bool = True, timeout: float = 60) -> None:
        self.loop, self.transport = HandLoop(monotonic=0.0), MemoryTransport()
        self.gone: list[UpstreamConnection] = []
        self.rings = 0
        self.connection = UpstreamConnection("u:1", self.loop.deadlines(), self.gone.append, RESPONSES)
        self.connection.connection_made(self.transport)
        if lease:
            self.lease(method, timeout=timeout)
            self.connection.send(b"<request>")
            if end:
                self.connection.end_request()

    def lease(self, method: str = "POST", *, timeout: float = 60) -> None:
        """An exchange takes it."""
        self.connection.lease(self, method, timeout)

    def wake(self) -> None:
        """It was told to look."""
        self.rings += 1

    @property
    def content(self) -> bytes:
        """What has come of the body since the last call."""
        assert self.connection.body is not None
        return self.connection.body.consume()

    @property
    def whole(self) -> bool:
        """Whether the body has ended."""
        return self.connection.body is not None and self.connection.body.ended

    @property
    def timed_out(self) -> bool:
        """Whether the upstream was silent too long."""
        return isinstance(self.connection.failure, UpstreamTimeout)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.loop.advance(seconds)
