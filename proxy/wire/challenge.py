"""What a corporate proxy's 407 (RFC 9110 §15.5.8) asks for, and what to do about it."""

import re
from collections.abc import Iterable

from proxy.syntax import TCHAR

_SCHEMES = {each.lower(): each for each in ("Basic", "Bearer", "Digest", "Kerberos", "Negotiate", "NTLM")}
"Only these are named to people, as they are written: the rest of the field is the proxy's own text."
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(rf"(?:^|,)\s*([{TCHAR}]+)(?=\s*(?:,|$)|\s+[^\s=,])")
"A word that no `=` follows begins a challenge, any other is a parameter of it (RFC 9110 §11.6.1)."


def challenge(values: Iterable[str], *, has_credentials: bool) -> str:
    """Returns what a proxy with these Proxy-Authenticate fields wants, to follow its name; no full stop at the end."""
    offered = [each.lower() for value in values for each in _SCHEME.findall(_QUOTED.sub("", value))]
    if offered and "basic" not in offered:
        named = " or ".join(dict.fromkeys(_SCHEMES.get(each, "credentials of another kind") for each in offered))
        advice = "have Basic, or this machine without credentials, allowed there, or put a proxy in between that can"
        known = "credentials are there; " if has_credentials else ""
        return f"wants {named}: {known}this proxy takes Basic only; {advice}"
    if has_credentials:
        return "refuses the credentials; check name and password in `proxy_url` or HTTPS_PROXY, percent-encoded there"
    return "wants credentials; put them into `proxy_url`"
