"""No trick with fields brings a sender's credential to the upstream, takes ours away, or passes an admission."""

import json

import pytest

from tests.cases import cases
from tests.fakes.field_names import DROPPED
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import answer
from tests.flow.hostile_sender.fence import HIDDEN, Fence

CLAIMS = [
    b"X-Forwarded-For: 192.0.2.1",
    b"X-Forwarded-For: 127.0.0.1, 192.0.2.1",
    b"Forwarded: for=192.0.2.1",
    b"X-Real-IP: 192.0.2.1",
    b"Via: 1.1 192.0.2.1",
]
"""Fields that might pass for the address of an allowed sender."""


def post(*fields: bytes) -> bytes:
    """A message with these fields."""
    return request(b"POST /orders", *fields, body=b"x")


@pytest.mark.parametrize("limits", [{"max_fields": 50}])
@cases("names", DROPPED)
async def test_a_field_that_the_rules_drop_does_not_reach_the_upstream(fence: Fence, names: list[bytes]) -> None:
    """It gets our Authorization only."""
    fields = [case(name) + b": Bearer " + HIDDEN for name in names for case in (bytes, bytes.upper, bytes.lower)]
    await fence.delivery(post(*fields, b"X-Kept: 1"))


@cases("line", b"Authorization : x", b"Authorization\t: x", b" Authorization: x", b"X: 1\r\n Authorization: x")
async def test_authorization_with_spaces_beside_its_name_is_malformed(fence: Fence, line: bytes) -> None:
    """RFC 9112 §5.1 and §5.2 forbid it."""
    assert await fence.end(post(line)) == (400, "request_malformed")


@cases("option", b"Authorization", b"AUTHORIZATION, close", b"Via, Authorization", b"Host")
async def test_connection_takes_nothing_of_ours_away(fence: Fence, option: bytes) -> None:
    """They are added later."""
    received = await fence.delivery(post(b"Connection: " + option))
    assert received.field(b"Via") == [b"1.1 here"]


async def test_connection_takes_no_length_away(fence: Fence) -> None:
    """Nothing of the body is read as a request."""
    message = request(
        b"POST /orders", b"Connection: Content-Length, Transfer-Encoding", body=request(b"GET /http/orders")
    )
    received = await fence.delivery(message)
    assert received.field(b"Content-Length") == [b"%d" % len(received.body)]
    assert bytes(received.body) == request(b"GET /http/orders")


async def test_connection_does_not_hide_who_asked(fence: Fence) -> None:
    """The request id is in the log and in the answer."""
    answered = await fence.ask(post(b"X-Request-ID: mine", b"Connection: X-Request-ID"))
    assert (answered.status, answered.field(b"X-Request-ID")) == (200, [b"mine"])
    assert (await fence.proxy.record())["request_id"] == "mine"


async def test_a_csrf_token_of_the_senders_own_borrows_no_session(fence: Fence) -> None:
    """Its message gets nothing of ours."""
    required, fetched = (
        answer(403, b"X-CSRF-Token: Required"),
        answer(200, b"X-CSRF-Token: ours", b"Set-Cookie: S=ours"),
    )
    fence.upstream.follow(required, fetched, answer())
    for fields in ((), (), (b"X-CSRF-Token: mine",), (b"x-csrf-token: ",)):
        assert (await fence.ask(post(*fields))).status == 200
    sent = [(each.field(b"X-CSRF-Token"), each.field(b"Cookie")) for each in fence.upstream.requests[2:]]
    assert sent == [([b"ours"], [b"S=ours"])] * 2 + [([b"mine"], []), ([b""], [])]


@cases("value", b"200-ok", b"100-continue, other", b"100-continue\t;q=1", b"102")
async def test_another_expectation_is_refused(fence: Fence, value: bytes) -> None:
    """Only 100-continue is supported (RFC 9110 §10.1.1)."""
    assert await fence.refusal(post(b"Expect: " + value)) == (417, "expectation_unknown")


async def test_an_upgrade_to_http_2_is_ignored(fence: Fence) -> None:
    """A tunnel would bypass all rules."""
    fields = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
    received = await fence.delivery(post(*fields))
    assert [received.field(name) for name in (b"Upgrade", b"HTTP2-Settings", b"Connection")] == [[], [], []]


async def test_http_2_with_prior_knowledge_is_refused(fence: Fence) -> None:
    """The version is unsupported."""
    answered = await fence.ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert (answered.status, answered.code, fence.targets) == (505, "version_unsupported", [])


async def test_a_trailer_is_no_field(fence: Fence) -> None:
    """Trailer fields are dropped."""
    body = chunked(b"x")[:-2] + b"Authorization: " + HIDDEN + b"\r\nX-Late: 1\r\n\r\n"
    received = await fence.delivery(request(b"POST /orders", b"Transfer-Encoding: chunked") + body)
    assert (bytes(received.body), received.field(b"X-Late")) == (b"x", [])


@cases("via", b"1.1 here", b"1.1 a, 1.1 here", b"HTTP/1.1  here (x)")
async def test_our_own_name_in_via_is_a_loop(fence: Fence, via: bytes) -> None:
    """An upstream points back to the proxy."""
    assert await fence.refusal(post(b"Via: " + via)) == (508, "loop")


async def test_an_endless_request_id_is_cut(fence: Fence) -> None:
    """128 bytes are left."""
    answered = await fence.ask(post(b"X-Request-ID: " + b"x" * 2000))
    assert (answered.status, answered.field(b"X-Request-ID")) == (200, [b"x" * 128])
    assert (await fence.proxy.record())["request_id"] == "x" * 128


@cases("value", b'","status":200,"x":"', b"\\u000a\\n{}", b"\xe2\x80\xa8\xc2\x85", b"%0a%0d")
async def test_nothing_that_a_sender_says_makes_a_second_log_line(fence: Fence, value: bytes) -> None:
    """They are logged as they are."""
    await fence.ask(post(b"X-Request-ID: " + value))
    record = await fence.proxy.record()
    assert (record["request_id"], record["status"]) == (value.decode("latin-1"), 200)
    assert all(len(line.splitlines()) == 1 and isinstance(json.loads(line), dict) for line in fence.proxy.lines.text)


@cases("field", *CLAIMS)
async def test_no_field_passes_for_an_address_on_the_list(fence: Fence, field: bytes) -> None:
    """Nobody is trusted by default."""
    assert await fence.refusal(request(b"POST /listed", field, body=b"x")) == (403, "sender_not_allowed")


@cases(
    "fields",
    (),
    (b"X-API-Key: ",),
    (b"X-API-Key: the-right-ke",),
    (b"X-API-Key: the-right-key ,",),
    (b"X-API-Key: wrong", b"X-API-Key: the-right-key"),
    (b"X-API-Key: the-right-key", b"x-api-key: the-right-key"),
    (b"X_API_Key: the-right-key",),
    (b"Authorization: the-right-key",),
    (b"Cookie: X-API-Key=the-right-key",),
)
async def test_no_field_passes_for_the_key_but_the_key_alone(fence: Fence, fields: tuple[bytes, ...]) -> None:
    """Parts, repetitions and other fields are refused."""
    assert await fence.refusal(request(b"POST /keyed", *fields, body=b"x")) == (403, "credential_refused")


async def test_connection_does_not_take_the_key_away(fence: Fence) -> None:
    """The key is checked, and does not reach the upstream."""
    received = await fence.delivery(
        request(b"POST /keyed", b"X-API-Key: the-right-key", b"Connection: X-API-Key", body=b"x")
    )
    assert b"the-right-key" not in received.head
