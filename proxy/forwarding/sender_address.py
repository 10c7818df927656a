"""Whose request it is: the address at the other end, or the one that trusted proxies name."""

import re
from ipaddress import ip_address

from proxy.errors import SenderNotAllowed
from proxy.hosts import Networks, in_networks
from proxy.wire.grammar import RequestHead

_HOP = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
"One element: IPv6 in brackets or IPv4, each with the port that some gateways add, or IPv6 alone."
_QUOTED = re.compile(rb'"(.*)"')
"As Forwarded has what holds a colon (RFC 7239 §4), and some gateways X-Forwarded-For too."


def sender_address(peer: str, head: RequestHead, trusted: Networks) -> str:
    """The rightmost address of X-Forwarded-For that is no trusted proxy, when the peer is one.

    SenderNotAllowed when that field cannot be read: who sent it is then anybody's guess.
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
    """In one spelling; a scope (RFC 4007 §11) means something on one machine only, and may hold anything."""
    quoted = _QUOTED.fullmatch(hop)
    found = _HOP.fullmatch(quoted[1] if quoted else hop)
    try:
        return str(ip_address((found[1] or found[2] or found[3]).decode("ascii") if found else ""))
    except ValueError:
        raise SenderNotAllowed("X-Forwarded-For of a trusted proxy holds more than addresses.") from None
