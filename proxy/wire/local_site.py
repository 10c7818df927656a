"""Protects the addresses for operators on this machine from web pages, as a middleware of an aiohttp application.

Whatever runs in a browser of this machine can reach loopback. Two things keep a page of another site out: the Host
field has to name this machine, because a site can let its own name point here, and what a browser marks as another
site's is refused. They are checked in this order, before anything else is told, a 404 included.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from aiohttp import web

from proxy.hosts import is_loopback
from proxy.syntax import values_of
from proxy.wire.cross_site import comes_from_elsewhere
from proxy.wire.field_names import FieldPairs
from proxy.wire.request_target import ABSOLUTE_FORM, host_name

NAME = "cpi-oauth-proxy"
"In the Server field: aiohttp's own shows versions."
HEADERS = {
    "Server": NAME,
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"Of each answer: pages run only what this address itself serves, and no other page can use the answers."
_WRONG_HOST = (
    "This address answers to localhost and loopback addresses only, and to the names that are configured for it."
)
_FOREIGN = "A browser sent this for a page of another site. Paste the address into the address bar."


class SiteRefusal(NamedTuple):
    """Why a request is not served."""

    status: int
    detail: str


class SiteFence(NamedTuple):
    """Which requests are served."""

    hosts: Collection[str] | None = ()
    "Names in Host beside loopback ones; None admits any."
    public: Collection[str] = ()
    "Paths that the page of any site may GET: it cannot read the answers."

    def refusal(self, method: str, target: bytes, path: str, fields: FieldPairs) -> SiteRefusal | None:
        """Returns why the request is refused, if it is; `path` is the decoded path of the target."""
        authority = _authority(target, fields)
        if self.hosts is not None and not _is_ours(host_name(authority), self.hosts):
            return SiteRefusal(421, _WRONG_HOST)
        if method == "GET" and path in self.public:
            return None
        return SiteRefusal(403, _FOREIGN) if comes_from_elsewhere(fields, authority, secure=False) else None


def fenced_application(
    fence: SiteFence,
    *,
    outer: Iterable[Any] = (),
    inner: Iterable[Any] = (),
    refused: Callable[[SiteRefusal], object] = lambda _: None,
    client_max_size: int = 1 << 20,
) -> web.Application:
    """Returns an application with the fence between `outer` and `inner` middlewares; calls `refused` with refusals."""

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        target = request.raw_path.encode("utf-8", "surrogateescape")
        refusal = fence.refusal(request.method, target, request.path, request.raw_headers)
        if refusal is not None:
            refused(refusal)
            return web.Response(status=refusal.status, text=f"{refusal.detail}\n")
        answer: web.StreamResponse = await handler(request)
        return answer

    application = web.Application(middlewares=[*outer, guard, *inner], client_max_size=client_max_size)
    application.on_response_prepare.append(_sign)
    return application


async def _sign(_request: web.BaseRequest, answer: web.StreamResponse) -> None:
    answer.headers.update(HEADERS)


def _authority(target: bytes, fields: FieldPairs) -> bytes:
    """Returns that of an absolute-form (RFC 9112 §3.2.2), else the Host field; empty if there are several."""
    if not target.startswith((b"/", b"*")):
        found = ABSOLUTE_FORM.fullmatch(target)
        return (found[1] or b"") + found[2] if found else b""
    hosts = values_of(fields, b"host")
    return hosts[0] if len(hosts) == 1 else b""


def _is_ours(name: str, hosts: Collection[str]) -> bool:
    return is_loopback(name) or name in hosts
