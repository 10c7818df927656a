"""Hosts as text."""

from ipaddress import ip_network

from proxy.hosts import bracketed, host_and_port, in_networks, is_ip, is_loopback, parse_ip
from tests.cases import cases, grouped_cases

NETWORKS = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))


@cases(
    "text, address",
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:DB8:0::1", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
)
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    """IPv4-mapped ones are IPv4, and the scope is dropped."""
    assert str(parse_ip(text)) == address


@cases("host", "", "localhost", "192.0.2", "192.0.2.7:80", "[::1]", "example.com", "127.0.0.1%evil.example")
def test_a_name_is_not_an_address(host: str) -> None:
    """A port or brackets are not part of an address."""
    assert not is_ip(host)


@cases("host", "localhost", "LocalHost.", "127.0.0.1", "127.8.8.8", "127.0.0.1.", "::1", "::1%lo", "::ffff:127.0.0.1")
def test_loopback_is_recognized_in_every_spelling(host: str) -> None:
    """With a final dot, a scope, or IPv4-mapped."""
    assert is_loopback(host)


@cases(
    "host",
    "",
    "localhost.example",
    "127.0.0.1%evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "0.0.0.0",
    "::",
    "192.0.2.7",
    "::ffff:192.0.2.7",
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    """A wildcard address is not loopback."""
    assert not is_loopback(host)


@grouped_cases(
    "expected, address",
    (True, ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "2001:db8::1%eth0", ""]),
    (False, ["192.0.3.1", "::ffff:192.0.3.1", "fe80::1%eth0"]),
)
def test_an_address_is_looked_up_in_networks(address: str, *, expected: bool) -> None:
    """A Unix socket matches any."""
    assert in_networks(address, NETWORKS) is expected


def test_only_ipv6_addresses_get_brackets() -> None:
    """RFC 3986 §3.2.2."""
    assert [bracketed(host) for host in ("h", "192.0.2.7", "::1")] == ["h", "192.0.2.7", "[::1]"]
    assert [host_and_port(host, 80) for host in ("h", "::1")] == ["h:80", "[::1]:80"]
