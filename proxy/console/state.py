"""What the pages show of a running proxy: its routes, and where senders connect."""

from collections.abc import Iterable
from typing import Any

from proxy import __version__
from proxy.app import App
from proxy.config.model import Address, RouteSettings
from proxy.forwarding.routes import Route
from proxy.hosts import host_and_port

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def state_document(app: App, *, now: float, started_at: float, config: str, sandbox: bool) -> dict[str, Any]:
    """Returns the state of a proxy; `recordings` are added by the caller."""
    return {
        "version": __version__,
        "now": now,
        "started_at": started_at,
        "config": config,
        "pages": {
            "outbox": app.outboxes.is_open or any(each.outbox for each in app.configuration.routes),
            "sandbox": sandbox,
        },
        "routes": [route_document(each) for each in app.routes.values()],
        "proxy_urls": proxy_urls(app),
    }


def route_document(route: Route) -> dict[str, Any]:
    """Returns a route."""
    settings = route.settings
    return {
        "name": settings.name,
        "path": settings.path,
        "host": settings.host,
        "methods": sorted(settings.methods) if settings.methods is not None else None,
        "upstream": settings.upstream,
        "oauth_client": settings.oauth_client,
        "csrf": settings.csrf.value,
        "max_body": settings.max_body,
        "outbox": settings.outbox is not None,
        "fences": list(fences(settings)),
        "connections": {"idle": route.pool.idle, "leased": route.pool.leased},
    }


def fences(settings: RouteSettings) -> Iterable[str]:
    """Yields what a sender has to meet, as text."""
    auth = settings.inbound_auth
    if settings.allow is not None:
        yield f"senders in {', '.join(map(str, settings.allow)) or 'no network'}"
    if auth and auth.basic:
        yield "user and password"
    if auth and auth.api_key:
        yield f"a key in {auth.api_key.field}"
    if auth and auth.client_certificate:
        yield f"the certificate of {', '.join(auth.client_certificate.subjects)}"
    if settings.content_types is not None:
        yield f"content of type {', '.join(map(str, settings.content_types))}"
    if settings.rate is not None:
        frequency = settings.rate.per_sender
        yield f"at most {frequency.count} requests of one sender in {frequency.seconds:g} s"
    if settings.max_concurrency:
        yield f"at most {settings.max_concurrency} at a time"


def proxy_urls(app: App) -> list[str]:
    """Returns where senders connect: a URL without a path for each TCP listener."""
    return [
        url_of(each.address, secure=each.certificate is not None) for each in app.listeners if not each.address.path
    ]


def url_of(address: Address, *, secure: bool) -> str:
    """Returns the URL of a listener, for senders on this machine."""
    host = _EVERYWHERE.get(address.host, address.host)
    return f"{'https' if secure else 'http'}://{host_and_port(host, address.port)}"
