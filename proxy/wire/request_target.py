"""What may stand as a request target; it is told, never changed (RFC 9112 §3.2)."""

import re
from ipaddress import IPv6Address

_HOST_PORT = (
    rb"(?:[!$&'()*+,;=\-._~%0-9A-Za-z]+|\[([0-9A-Fa-f:.]+)\])"
    rb"(?::(?:0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?)?"
)
'`uri-host [ ":" port ]`; the host is not empty (RFC 3986 §3.2, RFC 9110 §4.2.1).'
_ABSOLUTE = re.compile(rb"[A-Za-z]+://(?:[!$&'()*+,;=\-._~%0-9A-Za-z:]*@)?" + _HOST_PORT + rb"(?:[/?].*)?")
"`absolute-form` (RFC 9112 §3.2.2), of http and its like."


def is_target(method: str, target: bytes) -> bool:
    """`request-target = origin-form / absolute-form / authority-form / asterisk-form`.

    In paths and queries all visible ASCII is taken: senders write `|`, `{` and the like as they are.
    """
    if not target.isascii() or b"\t" in target:
        return False
    if method == "CONNECT":  # with case: for another method, authority-form is malformed (RFC 9110 §9.1, 9112 §3.2.3)
        return True  # whatever a tunnel is asked for, admission refuses it, and says what to do instead
    return target[:1] == b"/" or (target == b"*" and method == "OPTIONS") or _names_host(target)


def _names_host(target: bytes) -> bool:
    found = _ABSOLUTE.fullmatch(target)
    return found is not None and (found[1] is None or _is_ipv6(found[1]))


def _is_ipv6(literal: bytes) -> bool:
    try:
        IPv6Address(literal.decode())
    except ValueError:
        return False
    return True
