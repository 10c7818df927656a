"""Shows the head of a forwarded request without its credentials."""

from collections.abc import Set as AbstractSet

from proxy.config.model import RouteSettings
from proxy.forwarding.routes import secret_fields
from proxy.observe.masking import masked_field

_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})


def masked_names(route: RouteSettings) -> frozenset[str]:
    """Returns the names, in lower case, of fields that may contain a credential.

    Besides the usual ones these are the key of `inbound_auth`, and what `set_fields` sets from a variable.
    """
    return _CREDENTIALS | secret_fields(route)


def masked_lines(head: bytes, names: AbstractSet[str]) -> list[str]:
    """Returns the lines of a head; the values of fields with these names are ***."""
    lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    return [lines[0], *(_masked(line, names) for line in lines[1:])]


def _masked(line: str, names: AbstractSet[str]) -> str:
    return masked_field(line) if line.partition(":")[0].lower() in names else line
