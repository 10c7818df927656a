"""CSRF units of tests."""

from proxy.forwarding.csrf.unit import CsrfUnit

AUTH = b"Bearer t"


def unit(token: bytes = b"one", authorization: bytes = AUTH, **cookies: bytes) -> CsrfUnit:
    """A unit with these cookies."""
    pairs = tuple((name.encode(), value) for name, value in cookies.items())
    return CsrfUnit(token=token, cookies=pairs, authorization=authorization, names=frozenset(dict(pairs)))
