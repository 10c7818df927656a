"""Who can reach which address."""

from collections.abc import Iterator, Sequence

from proxy.config.model import Address, Listener
from proxy.config.problems import Finding

_SHOWN = 3


def open_listeners(
    listeners: Sequence[Listener], unfenced: Sequence[str], *, insecure_listen: bool
) -> Iterator[Finding]:
    """Listeners beyond this machine that anybody may use, for the unfenced routes have no `allow` of their own."""
    for index, listener in enumerate(listeners):
        if listener.allow == ():
            yield ("listen", index, "allow"), "is empty and lets nobody in, name networks or take the key away"
        elif unfenced and not insecure_listen and listener.allow is None and not listener.address.loopback:
            wrong = f"{listener.address} is reachable beyond this machine, and anybody could use {_some(unfenced)}"
            yield ("listen", index), f"{wrong}: give routes or listener `allow`, or start with --insecure-listen"


def _some(names: Sequence[str]) -> str:
    """A few of the names, however many there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def shared_addresses(listeners: Sequence[Listener], admin: Address) -> Iterator[Finding]:
    """Addresses that stand twice; port 0 is another port each time."""
    seen: set[Address] = set()
    for index, listener in enumerate(listeners):
        address = listener.address
        if address in seen:
            yield ("listen", index), "stands twice, take one away"
        if address.path or address.port:
            seen.add(address)
    if admin in seen:
        yield ("admin",), "is an address of the senders, give it one of its own"
