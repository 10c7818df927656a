"""The X-CSRF-Token scheme."""

from proxy.forwarding.csrf import scheme
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.prepared_request import PreparedRequest
from proxy.wire.grammar import UNSAID
from tests.cases import cases
from tests.fakes.heads import response_head

AUTH = b"Bearer t"


def prepared(cookies: bytes = b"") -> PreparedRequest:
    """Makes a message."""
    fields = [b"X-Secret: 1", b"via:1.0 a", b"Via: 1.1 me", b"Viable: 1"]
    return PreparedRequest("POST", b"/in?a=b", b"u", fields, cookies, has_csrf_token=False, idempotent=False)


@cases(
    "status, value, asked",
    (403, b"Required", True),
    (403, b"required", True),
    (403, b"REQUIRED", True),
    (403, b"", False),
    (403, b"Fetch", False),
    (403, b"662592DAB9491668BB9844B7C3284BE7", False),
    (401, b"Required", False),
    (200, b"Required", False),
)
def test_a_403_asks_for_a_token_in_any_case(status: int, value: bytes, *, asked: bool) -> None:
    """A 403 without it is about a role."""
    assert scheme.asked_for(response_head(b"HTTP/1.1 %d x" % status, (b"X-CSRF-Token", value))) is asked


@cases("cookies, line", (b"", []), (b"S=1; T=2", [b"Cookie: S=1; T=2"]))
def test_a_fetch_says_nothing_of_the_message_but_target_via_and_session(cookies: bytes, line: list[bytes]) -> None:
    """A fetch has no content."""
    request = scheme.fetch(prepared(cookies), AUTH, "HEAD")

    assert (request.method, request.target, request.authority, request.length) == ("HEAD", b"/in?a=b", b"u", UNSAID)
    assert request.fields == [b"via:1.0 a", b"Via: 1.1 me", b"X-CSRF-Token: Fetch", *line, b"Authorization: Bearer t"]


@cases("value", b"", b"Required", b"fetch")
def test_what_is_no_token_gives_no_unit(value: bytes) -> None:
    """It may be a demand, or an echo."""
    assert scheme.read(response_head(b"HTTP/1.1 200 x", (b"X-CSRF-Token", value)), prepared(), AUTH) is None


def test_a_unit_is_ours_or_of_the_senders_session() -> None:
    """It depends on the message's cookies."""
    head = response_head(b"HTTP/1.1 404 x", (b"x-csrf-token", b"N"), (b"Set-Cookie", b"S=2"))

    assert scheme.read(head, prepared(), AUTH) == CsrfUnit(
        token=b"N", cookies=((b"S", b"2"),), authorization=AUTH, names=frozenset({b"S"})
    )
    assert scheme.read(head, prepared(b"S=1; T=1"), AUTH) == CsrfUnit(
        token=b"N", cookies=((b"T", b"1"), (b"S", b"2")), authorization=AUTH, for_next_answer=(b"S=2",)
    )


def test_a_method_that_is_refused_is_told_by_status() -> None:
    """Any other answer is final."""
    refused = {status for status in range(200, 600) if scheme.refuses_method(response_head(b"HTTP/1.1 %d x" % status))}
    assert refused == {405, 501}
