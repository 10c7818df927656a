"""The sender's address."""

from ipaddress import ip_network

import pytest

from proxy.errors import SenderNotAllowed
from proxy.forwarding.sender_address import sender_address
from proxy.wire.grammar import RequestHead
from tests.cases import cases
from tests.fakes.heads import request_head

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def head(*values: bytes) -> RequestHead:
    """Makes a head with these X-Forwarded-For."""
    fields = tuple((b"X-Forwarded-For", value) for value in values)
    return request_head(b"GET / HTTP/1.1", (b"Host", b"h"), *fields)


@cases(
    "peer, values, address",
    {
        "a stranger's word counts nothing": ("192.0.2.1", [b"1.2.3.4"], "192.0.2.1"),
        "a trusted proxy that names nobody is the sender": ("10.0.0.1", [], "10.0.0.1"),
        "a trusted proxy is believed": ("10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
        "the rightmost counts": ("10.0.0.1", [b"1.1.1.1, 192.0.2.9"], "192.0.2.9"),
        "but for further trusted proxies": ("10.0.0.1", [b"192.0.2.9, 10.2.2.2"], "192.0.2.9"),
        "the last line is the newest": ("10.0.0.1", [b"192.0.2.8", b"192.0.2.9,10.1.1.1"], "192.0.2.9"),
        "only proxies: the nearest is the sender": ("10.0.0.1", [b"10.1.1.1, 10.2.2.2"], "10.0.0.1"),
        "what stands behind is not read": ("10.0.0.1", [b"junk, 192.0.2.9"], "192.0.2.9"),
        "IPv6": ("10.0.0.1", [b"2001:db8::1"], "2001:db8::1"),
        "IPv6 in brackets": ("10.0.0.1", [b"[2001:db8::1]"], "2001:db8::1"),
        "a port": ("10.0.0.1", [b"192.0.2.9:51234"], "192.0.2.9"),
        "a port of each": ("10.0.0.1", [b"192.0.2.9:51234, 10.2.2.2:80"], "192.0.2.9"),
        "in quotes, as Forwarded has it": ("10.0.0.1", [b'"[2001:db8::1]:51234"'], "2001:db8::1"),
        "in one spelling": ("10.0.0.1", [b"[2001:DB8:0::1]"], "2001:db8::1"),
        "a proxy at an IPv6 address": ("fd00::1", [b"192.0.2.9"], "192.0.2.9"),
        "an IPv4 proxy in IPv6 clothing": ("::ffff:10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
        "a Unix socket has no address": ("", [b"192.0.2.9"], ""),
    },
)
def test_the_sender_is_who_trusted_proxies_name(peer: str, values: list[bytes], address: str) -> None:
    """The rightmost address that is not trusted."""
    assert sender_address(peer, head(*values), TRUSTED) == address


@cases(
    "value",
    b"junk",
    b"192.0.2.9, unknown",
    b"1.2.3.4:http",
    b"1.2.3.4:123456",
    b"1.2.3.4:80:80",
    b"1.2.3",
    b"[1.2.3.4",
    b"[]",
    b"[fe80::1%eth0]:80",
    b'"1.2.3.4',
    b'""',
    b"",
    b"\xe4",
    b"192.0.2.9,",
)
def test_an_unreadable_field_of_a_trusted_proxy_is_refused(value: bytes) -> None:
    """`allow` depends on it."""
    with pytest.raises(SenderNotAllowed):
        sender_address("10.0.0.1", head(value), TRUSTED)


def test_nobody_is_believed_where_nobody_is_trusted() -> None:
    """This is the default."""
    assert sender_address("10.0.0.1", head(b"junk"), ()) == "10.0.0.1"
