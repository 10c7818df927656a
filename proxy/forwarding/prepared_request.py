"""Prepares the request for the upstream: target and fields of the sender, Via, and the route's own fields."""

from typing import Final

from proxy.config.model import Forwarded
from proxy.errors import Loop
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route
from proxy.forwarding.verdict import IDEMPOTENT
from proxy.hosts import bracketed
from proxy.wire.grammar import Fields

_OFF: Final = Forwarded.OFF


class PreparedRequest:
    """The part of the upstream request that all attempts share. It has no credential of ours."""

    __slots__ = ("authority", "cookies", "fields", "has_csrf_token", "idempotent", "method", "target")

    def __init__(
        self,
        method: str,
        target: bytes,
        authority: bytes,
        fields: list[bytes],
        cookies: bytes,
        *,
        has_csrf_token: bool,
        idempotent: bool,
    ) -> None:
        self.method = method
        self.target = target
        "For the upstream."
        self.authority = authority
        self.fields = fields
        "Field lines: the sender's end-to-end fields, and ours."
        self.cookies = cookies
        "The Cookie value for the upstream."
        self.has_csrf_token = has_csrf_token
        "Whether the sender handles CSRF tokens itself."
        self.idempotent = idempotent
        "Whether it may be sent once more, although the first request may have arrived."

    def __repr__(self) -> str:
        return f"<PreparedRequest {self.method}, {len(self.fields)} fields>"


def prepare(request: Request, address: str, route: Route, trace: tuple[bytes, ...] = ()) -> PreparedRequest:
    """Returns the prepared request. `trace` has the field lines of our span. Raises Loop if it has passed us before."""
    head = request.head
    fields = head.fields
    refuse_loop(fields, route.via)
    lines = [*route.rules.select(fields), *route.set_lines, route.via_lines[head.minor], *trace]
    if route.forwarded is not _OFF:
        lines += forwarded_lines(request, address, route.forwarded)
    cookies = fields.values(b"cookie") if route.relays_cookies else []
    return PreparedRequest(
        head.method,
        upstream_target(route, request.target.path[len(route.prefix) :]),
        route.upstream_host,
        lines,
        route.cookie_rules.to_upstream(cookies) if cookies else b"",
        has_csrf_token=fields.has(b"x-csrf-token"),
        idempotent=head.method in IDEMPOTENT,
    )


def upstream_target(route: Route, rest: bytes) -> bytes:
    """Returns the target for the upstream; `rest` is what follows the route's path, with the query."""
    target = route.upstream_path + rest
    return target if target[:1] == b"/" else b"/" + target


def refuse_loop(fields: Fields, name: bytes) -> None:
    """Raises Loop if our own name is in Via (RFC 9110 §7.6.3)."""
    for via in fields.values(b"via"):
        if any(name == hop.split()[1] for hop in via.split(b",") if len(hop.split()) > 1):
            raise Loop("The request has passed this proxy before; an `upstream` points back to it.")


def forwarded_lines(request: Request, address: str, style: Forwarded) -> list[bytes]:
    """Returns the fields with the sender's address and host: Forwarded (RFC 7239) or X-Forwarded-*."""
    proto = "https" if request.sender.secure else "http"
    host = request.head.fields.value(b"host").decode("latin-1")
    if style is Forwarded.X_FORWARDED:
        lines = [f"X-Forwarded-For: {address}"] if address else []
        lines += [f"X-Forwarded-Proto: {proto}"]
        lines += [f"X-Forwarded-Host: {host}"] if host else []
    else:
        node = f'"{bracketed(address)}"' if ":" in address else address or "unknown"  # a Unix socket (RFC 7239 §6)
        lines = [f"Forwarded: for={node};proto={proto}" + (f';host="{host}"' if host else "")]
    return [line.encode("latin-1") for line in lines]
