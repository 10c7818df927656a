"""What may stand as a request target, which is checked and never changed (RFC 9112 §3.2), and what host it names."""

import re
from ipaddress import IPv6Address

_HOST_PORT = (
    rb"(?:[!$&'()*+,;=\-._~%0-9A-Za-z]+|\[([0-9A-Fa-f:.]+)\])"
    rb"(?::(?:0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?)?"
)
'`uri-host [ ":" port ]`; the host is not empty (RFC 3986 §3.2, RFC 9110 §4.2.1).'
_ABSOLUTE_URI = re.compile(rb"[A-Za-z]+://(?:[!$&'()*+,;=\-._~%0-9A-Za-z:]*@)?" + _HOST_PORT + rb"(?:[/?].*)?")
"`absolute-form` (RFC 9112 §3.2.2), of http and its like."
ABSOLUTE_FORM = re.compile(rb"(?i:https?)://([^/?#@]*@)?([^/?#@]+)(.*)", re.DOTALL)
"Splits an absolute-form of http or https into user information, authority and the rest."
_AUTHORITY = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([^\s\[\]:/?#@\\]*[^\s\[\]:/?#@\\.]))\.?(?::([0-9]*))?")


def is_target(method: str, target: bytes) -> bool:
    """`request-target = origin-form / absolute-form / authority-form / asterisk-form`.

    In paths and queries all visible ASCII is taken: senders write `|`, `{` and the like as they are.
    """
    if not target.isascii() or b"\t" in target:
        return False
    if method == "CONNECT":  # with case: for another method, authority-form is malformed (RFC 9110 §9.1, 9112 §3.2.3)
        return True  # whatever a tunnel is asked for, admission refuses it, and says what to do instead
    return target[:1] == b"/" or (target == b"*" and method == "OPTIONS") or _names_host(target)


def split_authority(authority: bytes) -> tuple[str, bytes] | None:
    """Returns the host in lower case, without brackets and the dot at its end, and the digits of the port, if any.

    Hosts have no case (RFC 3986 §3.2.2), and the dot only says that a name is absolute. None if it is not an authority.
    """
    found = _AUTHORITY.fullmatch(authority)
    return ((found[1] or found[2]).decode("latin-1").lower(), found[3] or b"") if found else None


def host_name(authority: bytes) -> str:
    """Returns the host of `host:port`; empty if it is not an authority."""
    found = split_authority(authority)
    return found[0] if found else ""


def _names_host(target: bytes) -> bool:
    found = _ABSOLUTE_URI.fullmatch(target)
    return found is not None and (found[1] is None or _is_ipv6(found[1]))


def _is_ipv6(literal: bytes) -> bool:
    try:
        IPv6Address(literal.decode())
    except ValueError:
        return False
    return True
