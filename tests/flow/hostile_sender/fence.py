"""What a hostile sender stands in front of, and what must hold whatever it tries."""

from collections import deque

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.upstream import Received, Upstream, answer
from tests.flow.running import Running

HIDDEN = b"cAnAryHidden"
"Stands wherever a sender puts what must not go on."
PLANTED = request(b"GET /orders/planted")
"What a sender wants to have read as a request of its own."
OWN_TOKENS = {b"/http/orders": b"Bearer orders-token", b"/http/invoices": b"Bearer invoices-token"}


class Fence:
    """A proxy with two OAuth clients, its servers, and a server that nobody may ever reach."""

    def __init__(
        self, proxy: Running, upstream: Upstream, elsewhere: Upstream, authorities: dict[bytes, AuthorizationServer]
    ) -> None:
        self.proxy, self.upstream, self.elsewhere = proxy, upstream, elsewhere
        self.authorities = authorities
        "By the OAuth client that each of them knows."
        self.evil = b"127.0.0.2:%d" % elsewhere.port
        "Where the other server is."

    async def ask(self, octets: bytes) -> Answer:
        """What a sender of these octets gets first, over a connection of its own."""
        return await (await self.proxy.sender()).ask(octets)

    async def refusal(self, octets: bytes) -> tuple[int, str]:
        """Status and code of a refusal, after which nothing was asked for, sent, or read any more."""
        sender = await self.proxy.sender()
        refused = await sender.ask(octets)
        assert refused.field(b"Proxy-Status")
        assert (self.upstream.requests, self.upstream.connections, self.grants) == ([], 0, 0)
        return refused.status, refused.code

    async def end(self, octets: bytes) -> tuple[int, str]:
        """Status and code of a refusal with which the connection ends: what follows it is not read."""
        sender = await self.proxy.sender()
        refused = await sender.ask(octets + PLANTED)
        sender.finish()
        assert (await sender.rest(), refused.field(b"Connection")) == (b"", [b"close"])
        assert (self.upstream.requests, self.upstream.connections, self.grants) == ([], 0, 0)
        return refused.status, refused.code

    async def delivery(self, octets: bytes) -> Received:
        """What the upstream received of the one request that was delivered."""
        answered = await self.ask(octets)
        assert (answered.status, answered.field(b"Proxy-Status"), len(self.upstream.requests)) == (200, [], 1)
        return self.upstream.requests[0]

    async def passes(self, sender: Sender | None = None) -> None:
        """Normal traffic is served, now."""
        message = request(b"POST /orders/normal", body=b"<message/>")
        assert (await (sender or await self.proxy.sender()).ask(message)).status == 200

    @property
    def grants(self) -> int:
        """How many were asked for."""
        return sum(len(each.requests) for each in self.authorities.values())

    @property
    def targets(self) -> list[bytes]:
        """What the upstream was asked for, in order."""
        return [each.target for each in self.upstream.requests]

    def check(self) -> None:
        """What holds in each of these tests, beside what it says itself."""
        assert self.elsewhere.connections == 0
        for each in self.upstream.requests:
            (token,) = (token for path, token in OWN_TOKENS.items() if each.target.startswith(path))
            assert each.field(b"Authorization") == [token]
            assert each.field(b"Host") == [b"127.0.0.1:%d" % self.upstream.port]
            assert HIDDEN not in each.head
        for client, authority in self.authorities.items():
            assert {each.form["client_id"].encode() for each in authority.requests} <= {client}
            assert HIDDEN.decode() not in repr(authority.requests)
        assert HIDDEN.decode() not in "".join(self.proxy.lines.text)

    def script(self, *fields: bytes, status: int = 200, body: bytes = b"") -> None:
        """What the upstream answers from now on."""
        self.upstream.script = deque([answer(status, *fields, body=body)])


def with_host(start: bytes, host: bytes, *fields: bytes) -> bytes:
    """A request with a Host field of its own."""
    return b"\r\n".join([start + b" HTTP/1.1", b"Host: " + host, *fields, b"Content-Length: 1", b"", b"x"])
