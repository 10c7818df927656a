"""Hosts as text: IP addresses, loopback, and how a URL writes them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = tuple[IPv4Network | IPv6Network, ...]


def parse_ip(text: str) -> IPv4Address | IPv6Address:
    """Returns an address without its scope (RFC 4007 §11). Raises ValueError if the text is not an address.

    An IPv4-mapped address (RFC 4291 §2.5.5.2), which a socket for both families reports, becomes IPv4.
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def is_ip(host: str) -> bool:
    """Whether a host without brackets is an IP address."""
    try:
        parse_ip(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host without brackets is `localhost` or a loopback address."""
    host = host.lower().rstrip(".")
    return parse_ip(host).is_loopback if is_ip(host) else host == "localhost"


def in_networks(address: str, networks: Networks) -> bool:
    """Whether an address is in one of the networks. True for a Unix socket (""): its file mode restricts access."""
    if not address:
        return True
    parsed = parse_ip(address)
    return any(parsed in network for network in networks)


def bracketed(host: str) -> str:
    """Returns an IPv6 address in brackets (RFC 3986 §3.2.2), and any other host unchanged."""
    return f"[{host}]" if ":" in host else host


def host_and_port(host: str, port: int) -> str:
    """Returns `host:port` as in a URL."""
    return f"{bracketed(host)}:{port}"
