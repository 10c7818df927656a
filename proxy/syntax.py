"""The small grammars that configuration and wire share: tokens (RFC 9110 §5.6.2) and hosts (RFC 3986 §3.2.2)."""

from ipaddress import ip_address

TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
"`tchar`, as it stands in the brackets of a regular expression."


def bracketed(host: str) -> str:
    """Returns the host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_address(host: str) -> bool:
    """Whether the host, without brackets, is an IP address and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether the host, without brackets, is this machine only: `localhost` or a loopback address."""
    host = host.lower().rstrip(".")
    if not is_address(host):
        return host == "localhost"
    address = ip_address(host)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
