"""What an attempt adds to the message."""

from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.exchange import with_credentials
from proxy.forwarding.prepared_request import PreparedRequest
from tests.cases import cases
from tests.unit.forwarding.world import token

UNIT = CsrfUnit(token=b"c5rf", cookies=((b"S", b"a=%2B"), (b"T", b"")), authorization=b"Bearer t")
BARE = CsrfUnit(token=b"c5rf", cookies=(), authorization=b"Bearer t")


@cases(
    "cookies, unit, added",
    {
        "nothing but the token": (b"", None, []),
        "the sender's cookies for the upstream": (b"A=1", None, [b"Cookie: A=1"]),
        "a unit's in their place": (b"A=1", UNIT, [b"X-CSRF-Token: c5rf", b"Cookie: S=a=%2B; T="]),
        "a unit without cookies": (b"A=1", BARE, [b"X-CSRF-Token: c5rf"]),
    },
)
def test_an_attempt_has_one_authorization(cookies: bytes, unit: CsrfUnit | None, added: list[bytes]) -> None:
    """The token of a unit comes with its cookies."""
    prepared = PreparedRequest("POST", b"/in", b"u", [b"X: 1"], cookies, has_csrf_token=False, idempotent=False)

    request = with_credentials(prepared, token("t"), unit, 3)

    assert request.fields == [b"X: 1", b"Authorization: Bearer t", *added]
    assert (request.method, request.target, request.authority, request.length) == ("POST", b"/in", b"u", 3)
    assert prepared.fields == [b"X: 1"]
