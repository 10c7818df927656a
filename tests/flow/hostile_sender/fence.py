"""What a hostile sender attacks, and what must hold for all attacks."""

from collections import deque

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.upstream import Received, Upstream, answer
from tests.flow.running import Running

HIDDEN = b"cAnAryHidden"
"What a sender puts where it must not be forwarded."
PLANTED = request(b"GET /orders/planted")
"What a sender wants the proxy to read as a request."
OWN_TOKENS = {b"/http/orders": b"Bearer orders-token", b"/http/invoices": b"Bearer invoices-token"}


class Fence:
    """A proxy with two OAuth clients, its servers, and a server that must never be reached."""

    def __init__(
        self, proxy: Running, upstream: Upstream, elsewhere: Upstream, authorities: dict[bytes, AuthorizationServer]
    ) -> None:
        self.proxy, self.upstream, self.elsewhere = proxy, upstream, elsewhere
        self.authorities = authorities
        "By the name of the OAuth client."
        self.evil = b"127.0.0.2:%d" % elsewhere.port
        "Where the other server is."

    async def ask(self, octets: bytes) -> Answer:
        return await self.proxy.ask(octets)

    async def refusal(self, octets: bytes) -> tuple[int, str]:
        """Returns status and code of a refusal. No token was requested, and nothing was sent."""
        refused = await self.ask(octets)
        assert refused.field(b"Proxy-Status")
        return self._without_effect(refused)

    async def end(self, octets: bytes) -> tuple[int, str]:
        """Returns status and code of a refusal that closes the connection, so that nothing more is read."""
        sender = await self.proxy.sender()
        refused = await sender.ask(octets + PLANTED)
        sender.finish()
        assert (await sender.rest(), refused.field(b"Connection")) == (b"", [b"close"])
        return self._without_effect(refused)

    def _without_effect(self, refused: Answer) -> tuple[int, str]:
        assert (self.upstream.requests, self.upstream.connections, self.grants) == ([], 0, 0)
        return refused.refusal

    async def delivery(self, octets: bytes) -> Received:
        """Returns what the upstream received of the one request that was delivered."""
        answered = await self.ask(octets)
        assert (answered.status, answered.field(b"Proxy-Status"), len(self.upstream.requests)) == (200, [], 1)
        return self.upstream.requests[0]

    async def passes(self, sender: Sender | None = None) -> None:
        message = request(b"POST /orders/normal", body=b"<message/>")
        assert (await (sender or await self.proxy.sender()).ask(message)).status == 200

    @property
    def grants(self) -> int:
        return sum(len(each.requests) for each in self.authorities.values())

    @property
    def targets(self) -> list[bytes]:
        return [each.target for each in self.upstream.requests]

    def check(self) -> None:
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
        self.upstream.script = deque([answer(status, *fields, body=body)])


def with_host(start: bytes, host: bytes, *fields: bytes) -> bytes:
    """Makes a request with this Host field."""
    return b"\r\n".join([start + b" HTTP/1.1", b"Host: " + host, *fields, b"Content-Length: 1", b"", b"x"])
