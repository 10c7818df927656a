"""The request as it goes to the upstream: request target and fields of the sender, Host, Via and token of ours."""

from typing import NamedTuple, Protocol

from proxy.config.model import Cookies, Forwarded
from proxy.errors import Loop
from proxy.forwarding.body import Body, BufferedBody
from proxy.forwarding.csrf import CsrfUnit
from proxy.forwarding.routes import Route
from proxy.forwarding.target import Target
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import RequestHead


class Request(NamedTuple):
    """One request of a sender."""

    head: RequestHead
    target: Target
    body: IncomingBody
    sender: "Sender"
    id: str


class Sender(Protocol):
    """The connection of a sender, as an exchange sees it."""

    address: str
    "Of the other end; empty for a Unix socket."
    local: str
    "Our own address on this connection; empty for a Unix socket."
    secure: bool
    "Whether it came over TLS."
    subject: str
    "Of its verified certificate (RFC 4514); empty where it has shown none."
    left: bool
    "Whether the connection is gone."
    half_closed: bool
    "Whether the sender has ended its side; most that do so are gone."
    congested: bool
    "Whether it takes answers more slowly than we write them."

    def ring(self) -> None:
        """Let the exchange look again."""
        ...

    def persistent(self) -> bool:
        """Whether the connection goes on after this exchange, as it stands now."""
        ...

    def send(self, octets: bytes) -> None:
        """Part of an answer."""
        ...

    def close_after(self) -> None:
        """End the connection after this answer."""
        ...

    def abort(self) -> None:
        """End the connection with a reset, so that what was sent does not look whole."""
        ...


class Prepared(NamedTuple):
    """What all attempts of an exchange send alike."""

    start: bytes
    "Request line, Host, fields of the sender, Via; without the last line end."
    cookies: bytes
    "The sender's, for the upstream."

    def __repr__(self) -> str:
        return f"<Prepared {len(self.start)} octets>"


def prepare(request: Request, address: str, route: Route) -> Prepared:
    """The part of the forwarded head that no attempt changes; Loop if the request has been here before."""
    head = request.head
    refuse_loop(head, route.via)
    cookies = head.fields.values(b"cookie") if route.settings.cookies is Cookies.PREFIXED else []
    rest = request.target.path[len(route.prefix) :]
    target = route.upstream_path + rest
    if not target.startswith(b"/"):
        target = b"/" + target
    first = b"%b %b HTTP/1.1\r\nHost: %b" % (head.method.encode(), target, route.upstream_host)
    lines = [first, *route.rules.select(head.fields), *route.set_lines, b"Via: 1.%d %b" % (head.minor, route.via)]
    if route.forwarded is not Forwarded.OFF:
        lines += forwarded_lines(request, address, route.forwarded)
    return Prepared(b"\r\n".join(lines), route.cookie_rules.to_upstream(cookies) if cookies else b"")


def refuse_loop(head: RequestHead, name: bytes) -> None:
    """Loop if our own name stands in Via (RFC 9110 §7.6.3)."""
    for via in head.fields.values(b"via"):
        if any(name == hop.split()[1] for hop in via.split(b",") if len(hop.split()) > 1):
            raise Loop("The request has passed this proxy before; an `upstream` points back at us.")


def complete(
    prepared: Prepared, authorization: bytes, unit: CsrfUnit | None, body: Body, method: str, *, trace: bytes = b""
) -> bytes:
    """The head of one attempt, with its last line end; `trace` are whole lines, each behind its line end."""
    cookies = unit.cookie_field() if unit else prepared.cookies
    parts = [prepared.start, b"\r\nAuthorization: ", authorization]
    if unit:
        parts += (b"\r\nX-CSRF-Token: ", unit.token)
    if cookies:
        parts += (b"\r\nCookie: ", cookies)
    if trace:
        parts.append(trace)
    parts += (framing(body, method), b"\r\n\r\n")
    return b"".join(parts)


def framing(body: Body, method: str) -> bytes:
    """The line that says where the body ends (RFC 9112 §6, RFC 9110 §8.6: none is needed for an empty GET)."""
    if isinstance(body, BufferedBody):
        if not body.content and method not in ("POST", "PUT", "PATCH"):
            return b""
        return b"\r\nContent-Length: %d" % len(body.content)
    if body.length is None:
        return b"\r\nTransfer-Encoding: chunked"
    return b"\r\nContent-Length: %d" % body.length


def forwarded_lines(request: Request, address: str, style: Forwarded) -> list[bytes]:
    """Who sent it and to whom, in the way the route asks for (RFC 7239, or the older fields)."""
    proto = "https" if request.sender.secure else "http"
    host = request.head.fields.value(b"host").decode("latin-1")
    if style is Forwarded.X_FORWARDED:
        lines = [f"X-Forwarded-For: {address}"] if address else []
        lines += [f"X-Forwarded-Proto: {proto}"]
        lines += [f"X-Forwarded-Host: {host}"] if host else []
    else:
        node = f'"[{address}]"' if ":" in address else address or "unknown"  # RFC 7239 §6: of a Unix socket
        lines = [f"Forwarded: for={node};proto={proto}" + (f';host="{host}"' if host else "")]
    return [line.encode("latin-1") for line in lines]
