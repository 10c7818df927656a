"""Whose request it is: the address at the other end, or the one that trusted proxies name."""

from ipaddress import ip_address

from proxy.errors import SenderNotAllowed
from proxy.forwarding.admission import Networks, allowed
from proxy.forwarding.fields import values_of
from proxy.wire.heads import RequestHead


def sender_address(peer: str, head: RequestHead, trusted: Networks) -> str:
    """The rightmost address of X-Forwarded-For that is no trusted proxy, when the peer is one.

    SenderNotAllowed when that field cannot be read: who sent it is then anybody's guess.
    """
    if not trusted or not peer or not allowed(peer, trusted):
        return peer
    hops = [hop.strip() for value in values_of(head.fields, b"x-forwarded-for") for hop in value.split(b",")]
    for hop in reversed(hops):
        address = _address(hop)
        if not allowed(address, trusted):
            return address
    return peer


def _address(hop: bytes) -> str:
    """In one spelling; a scope (RFC 4007 §11) means something on one machine only, and may hold anything."""
    try:
        address = ip_address(hop.decode("ascii").strip("[]"))
    except ValueError:
        address = None
    if address is None or b"%" in hop:
        raise SenderNotAllowed("X-Forwarded-For of a trusted proxy holds more than addresses.")
    return str(address)
