"""What browsers say about the page that sent a request, and what the Host field names: values in, answers out.

A page of any site can make a browser send requests to an address of this machine. Browsers mark them: by
Sec-Fetch-Site (W3C Fetch Metadata) where they trust the connection, by Origin (RFC 6454) with any method that changes
something. A site can also let its own name point to this machine (DNS rebinding); the marks then say same-origin, and
only the name in Host shows the difference.
"""

import re

from proxy.syntax import values_of
from proxy.wire.field_names import FieldPairs
from proxy.wire.request_target import split_authority

_OWN_SITES = frozenset({b"same-origin", b"none"})
"A page of this address; the user herself, by the address bar or a bookmark. The others: same-site, cross-site."
_SERIALIZED = re.compile(rb"(https?)://([^/?#@\s]+)", re.IGNORECASE)
"An origin (RFC 6454 §6.1); `null`, which pages without an origin send, is none."
_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}


def comes_from_elsewhere(fields: FieldPairs, authority: bytes, *, secure: bool) -> bool:
    """Whether a browser marks the request as one for a page of another origin than `authority`, the Host field's value.

    Sec-Fetch-Site decides where there is one, because pages that hide their address send `Origin: null` to themselves.
    `secure` tells whether the request came over TLS. Without TLS an https:// page is accepted too, because what is in
    front of us may have ended TLS. A request without marks is not from a browser, or changes nothing.
    """
    sites = [value.strip() for value in values_of(fields, b"sec-fetch-site")]
    origins = [value.strip() for value in values_of(fields, b"origin")]
    if sites:
        return not _OWN_SITES.issuperset(sites)
    return not all(_is_own(origin, authority, secure=secure) for origin in origins)


def _is_own(origin: bytes, authority: bytes, *, secure: bool) -> bool:
    found = _SERIALIZED.fullmatch(origin)
    if not found:
        return False
    scheme = found[1].lower()
    if secure and scheme != b"https":
        return False
    own = _place(authority, scheme)
    return own is not None and own == _place(found[2], scheme)


def _place(authority: bytes, scheme: bytes) -> tuple[str, bytes] | None:
    """Returns host and port, by default the scheme's port; None if it is not an authority."""
    found = split_authority(authority)
    return (found[0], found[1] or _DEFAULT_PORTS[scheme]) if found else None
