"""Which senders can reach which address."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from proxy.config.document import RouteEntry
from proxy.config.model import Address, ListenerSettings, RouteSettings
from proxy.config.problems import Location, Mistake
from proxy.config.urls import port_of

_SHOWN = 3
_FENCES = "set `allow` or `tls.client_ca_file` for the listener, or `allow` or `inbound_auth` for its routes"
_VARIABLE = "set `allow` to the senders' networks"
"The restriction that a configuration made of variables can have."
_WILDCARDS = frozenset({"0.0.0.0", "::"})


def open_listeners(
    listeners: Sequence[ListenerSettings],
    unfenced: Sequence[str],
    *,
    insecure_listen: bool,
    made_of_variables: bool = False,
) -> Iterator[Mistake]:
    """Yields listeners that anyone on another machine could use for the unfenced routes, which have no restriction."""
    for index, listener in enumerate(listeners):
        if listener.allow == ():
            yield ("listen", index, "allow"), "is empty and admits nobody; name networks or remove the key"
        elif unfenced and not (insecure_listen or listener.fenced or listener.address.loopback):
            usable = "the tenant" if made_of_variables else _some(unfenced)
            wrong = f"{listener.address} can be reached from other machines, and anyone could use {usable}"
            fences = _VARIABLE if made_of_variables else _FENCES
            yield ("listen", index), f"{wrong}; {fences}, or start with --insecure-listen"


def lists_without_effect(
    listeners: Sequence[ListenerSettings], routes: Sequence[tuple[Location, RouteEntry]]
) -> Iterator[Mistake]:
    """Yields lists of networks that have no effect, because senders on Unix sockets have no addresses."""
    wrong = "has no effect on a Unix socket, whose senders have no address; remove it and use file permissions"
    for index, listener in enumerate(listeners):
        if listener.allow and listener.address.path is not None:
            yield ("listen", index, "allow"), wrong
    if all(listener.address.path is not None for listener in listeners):
        for location, route in routes:
            if route.allow:
                yield (*location, "allow"), wrong


def unasked_certificates(
    listeners: Sequence[ListenerSettings], routes: Sequence[tuple[Location, RouteEntry]]
) -> Iterator[Mistake]:
    """Yields routes that require a certificate that no listener requests."""
    if not any(listener.tls and listener.tls.client_ca_file for listener in listeners):
        for location, route in routes:
            if route.inbound_auth and route.inbound_auth.client_certificate:
                wrong = "is not requested by any listener; set `tls.client_ca_file` for one"
                yield (*location, "inbound_auth", "client_certificate"), wrong


def _some(names: Sequence[str]) -> str:
    """Returns the first names, and the number of others."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def shared_addresses(listeners: Sequence[ListenerSettings], admin: Address) -> Iterator[Mistake]:
    """Yields addresses that are used twice; port 0 is another port each time."""
    addresses = [listener.address for listener in listeners]
    for index, address in enumerate(addresses):
        if any(_collide(address, other) for other in addresses[:index]):
            yield ("listen", index), "is listed twice; remove one"
    if any(_collide(admin, address) for address in addresses):
        yield ("admin",), "is also an address for senders; use a different one"


def admin_upstreams(routes: Sequence[tuple[Location, RouteSettings | None]], admin: Address) -> Iterator[Mistake]:
    """Yields routes that lead to our own admin address, from which senders have to be kept away."""
    for location, route in routes:
        upstream = urlsplit(route.upstream) if route else None
        if upstream and _collide(admin, Address(host=upstream.hostname or "", port=port_of(upstream))):
            yield (*location, "upstream"), f"is the proxy's own admin address, {admin}; write the URL of the flow"


def _collide(one: Address, other: Address) -> bool:
    """Whether only one of them can be bound: both are the same by any name, or a wildcard includes the other."""
    if one.path or other.path:
        return one.path == other.path
    if one.port != other.port or not one.port:
        return False
    hosts = {each.host.lower().rstrip(".") for each in (one, other)}
    if len(hosts) == 1:
        return True
    if "localhost" in hosts:
        return (one.loopback and other.loopback) or not hosts.isdisjoint(_WILDCARDS)
    return any(wildcard in hosts and _one_family(hosts) for wildcard in _WILDCARDS)


def _one_family(hosts: set[str]) -> bool:
    return len({":" in host for host in hosts}) == 1
