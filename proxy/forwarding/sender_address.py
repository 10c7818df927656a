"""Determines the sender's address: the peer's, or the one that trusted proxies report."""

import re
from ipaddress import ip_address

from proxy.errors import SenderNotAllowed
from proxy.hosts import Networks, in_networks
from proxy.wire.grammar import RequestHead

_HOP = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
"One element: IPv6 in brackets or IPv4, each with the port that some gateways add, or IPv6 alone."
_QUOTED = re.compile(rb'"(.*)"')
"Forwarded quotes an address with a colon (RFC 7239 §4), and some gateways quote it in X-Forwarded-For too."


def sender_address(peer: str, head: RequestHead, trusted: Networks) -> str:
    """Returns the rightmost address of X-Forwarded-For that is not a trusted proxy, if the peer is one.

    Raises SenderNotAllowed if the field is invalid, because the sender is unknown then.
    """
    if not trusted or not peer or not in_networks(peer, trusted):
        return peer
    hops = [hop.strip() for value in head.fields.values(b"x-forwarded-for") for hop in value.split(b",")]
    for hop in reversed(hops):
        address = _address(hop)
        if not in_networks(address, trusted):
            return address
    return peer


def _address(hop: bytes) -> str:
    """Returns an address in its usual spelling. A scope (RFC 4007 §11) is refused, because it may be any text."""
    quoted = _QUOTED.fullmatch(hop)
    found = _HOP.fullmatch(quoted[1] if quoted else hop)
    try:
        return str(ip_address((found[1] or found[2] or found[3]).decode("ascii") if found else ""))
    except ValueError:
        raise SenderNotAllowed("X-Forwarded-For of a trusted proxy is not a list of IP addresses.") from None
