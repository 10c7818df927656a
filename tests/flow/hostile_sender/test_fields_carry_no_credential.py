"""No trick with fields brings a sender's credential to the upstream, takes ours away, or passes an admission."""

import json
from collections import deque

import pytest

from tests.fakes.sender import chunked, request
from tests.fakes.upstream import answer
from tests.flow.hostile_sender.fence import HIDDEN, Fence

ADMITTED = [
    b"X-Forwarded-For: 192.0.2.1",
    b"X-Forwarded-For: 127.0.0.1, 192.0.2.1",
    b"Forwarded: for=192.0.2.1",
    b"X-Real-IP: 192.0.2.1",
    b"X-Client-IP: 192.0.2.1",
    b"True-Client-IP: 192.0.2.1",
    b"X-Originating-IP: 192.0.2.1",
    b"Via: 1.1 192.0.2.1",
]
"""What might be taken for the address of a sender who may."""


def post(*fields: bytes) -> bytes:
    """A message with these fields."""
    return request(b"POST /orders", *fields, body=b"x")


@pytest.mark.parametrize("name", [b"Authorization", b"authorization", b"AUTHORIZATION", b"aUTHORIZATIOn"])
async def test_authorization_in_any_case_is_replaced(fence: Fence, name: bytes) -> None:
    """There is one at the upstream, and it is ours; so the fence says."""
    await fence.delivery(post(name + b": Bearer " + HIDDEN))


async def test_authorization_twice_is_replaced_by_one(fence: Fence) -> None:
    """In front of other fields, and behind them."""
    await fence.delivery(post(b"Authorization: " + HIDDEN, b"X-Kept: 1", b"authorization: " + HIDDEN))


@pytest.mark.parametrize(
    "name",
    [
        b"Authorization_",
        b"_Authorization",
        b"Authori-zation",
        b"Authorization.",
        b"Proxy_Authorization",
        b"*authorization*",
    ],
)
async def test_what_looks_like_authorization_does_not_go_on(fence: Fence, name: bytes) -> None:
    """A CGI makes the same variable of them."""
    await fence.delivery(post(name + b": Bearer " + HIDDEN))


@pytest.mark.parametrize(
    "line", [b"Authorization : x", b"Authorization\t: x", b" Authorization: x", b"X: 1\r\n Authorization: x"]
)
async def test_authorization_with_spaces_beside_its_name_is_malformed(fence: Fence, line: bytes) -> None:
    """RFC 9112 §5.1, §5.2."""
    assert await fence.end(post(line)) == (400, "request_malformed")


async def test_proxy_authorization_does_not_go_on(fence: Fence) -> None:
    """It is for us, who do not ask for it."""
    await fence.delivery(post(b"Proxy-Authorization: Basic " + HIDDEN))


@pytest.mark.parametrize(
    "name", [b"MYSAPSSO2", b"mysapsso2", b"MYSAPSSO_2", b"SAP-R3AUTH", b"SAP_R3AUTH", b"sap-r3auth"]
)
async def test_a_logon_ticket_does_not_go_on(fence: Fence, name: bytes) -> None:
    """As a field."""
    await fence.delivery(post(name + b": " + HIDDEN))


@pytest.mark.parametrize("option", [b"Authorization", b"AUTHORIZATION, close", b"Via, Authorization", b"Host"])
async def test_connection_takes_nothing_of_ours_away(fence: Fence, option: bytes) -> None:
    """What it names is the sender's; Via, Host and the token are ours."""
    received = await fence.delivery(post(b"Connection: " + option))
    assert received.field(b"Via") == [b"1.1 here"]


async def test_connection_takes_no_length_away(fence: Fence) -> None:
    """Where the body ends is said by us, so that nothing of it is read as a request."""
    message = request(
        b"POST /orders", b"Connection: Content-Length, Transfer-Encoding", body=request(b"GET /http/orders")
    )
    received = await fence.delivery(message)
    assert received.field(b"Content-Length") == [b"%d" % len(received.body)]
    assert bytes(received.body) == request(b"GET /http/orders")


async def test_connection_does_not_hide_who_asked(fence: Fence) -> None:
    """The id of the request is in the log and in the answer all the same."""
    answered = await fence.ask(post(b"X-Request-ID: mine", b"Connection: X-Request-ID"))
    assert (answered.status, answered.field(b"X-Request-ID")) == (200, [b"mine"])
    assert (await fence.proxy.record())["request_id"] == "mine"


@pytest.mark.parametrize("name", [b"SAP_MessageProcessingLogLevel", b"SAP_MPL_LogLevel_Overall", b"sap_other", b"SAP_"])
async def test_fields_that_steer_the_tenant_do_not_go_on(fence: Fence, name: bytes) -> None:
    """Of SAP_ fields the four of a message's head."""
    await fence.delivery(post(name + b": " + HIDDEN))


@pytest.mark.parametrize("name", [b"CamelHttpUri", b"CamelHttpMethod", b"CAMELFILENAME", b"camel", b"Camel.Http.Path"])
async def test_fields_that_steer_camel_do_not_go_on(fence: Fence, name: bytes) -> None:
    """They could choose where the flow sends its message."""
    await fence.delivery(post(name + b": " + HIDDEN))


@pytest.mark.parametrize(
    "name", [b"Content_Length", b"Content.Length", b"Transfer_Encoding", b"Transfer-Encoding_", b"Ho-st"]
)
async def test_what_looks_like_framing_does_not_go_on(fence: Fence, name: bytes) -> None:
    """Another reader would find another end of the body, or another host."""
    assert (await fence.delivery(post(name + b": 0"))).field(name) == []


async def test_a_csrf_token_of_the_senders_own_borrows_no_session(fence: Fence) -> None:
    """Who sends one gets neither our token nor our cookies with it."""
    required, fetched = (
        answer(403, b"X-CSRF-Token: Required"),
        answer(200, b"X-CSRF-Token: ours", b"Set-Cookie: S=ours"),
    )
    fence.upstream.script = deque([required, fetched, answer()])
    for fields in ((), (), (b"X-CSRF-Token: mine",), (b"x-csrf-token: ",)):
        assert (await fence.ask(post(*fields))).status == 200
    sent = [(each.field(b"X-CSRF-Token"), each.field(b"Cookie")) for each in fence.upstream.requests[2:]]
    assert sent == [([b"ours"], [b"S=ours"])] * 2 + [([b"mine"], []), ([b""], [])]


async def test_two_csrf_tokens_make_no_handshake_of_ours(fence: Fence) -> None:
    """The upstream's refusal goes to the sender."""
    fence.script(b"X-CSRF-Token: Required", status=403)
    answered = await fence.ask(post(b"X-CSRF-Token: ", b"x-csrf-token: fetch"))
    assert (answered.status, fence.targets) == (403, [b"/http/orders"])


@pytest.mark.parametrize("value", [b"200-ok", b"100-continue, other", b"100-continue\t;q=1", b"102"])
async def test_another_expectation_is_refused(fence: Fence, value: bytes) -> None:
    """It never goes on, for nobody could wait for it (RFC 9110 §10.1.1)."""
    assert await fence.refusal(post(b"Expect: " + value)) == (417, "expectation_unknown")


async def test_an_upgrade_to_http_2_is_ignored(fence: Fence) -> None:
    """h2c would be a tunnel past all of this (RFC 9110 §7.8)."""
    fields = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
    received = await fence.delivery(post(*fields))
    assert [received.field(name) for name in (b"Upgrade", b"HTTP2-Settings", b"Connection")] == [[], [], []]


async def test_http_2_with_prior_knowledge_is_refused(fence: Fence) -> None:
    """Its preface is a request of a version that is not spoken here."""
    answered = await fence.ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert (answered.status, answered.code, fence.targets) == (505, "version_unsupported", [])


async def test_te_and_trailer_end_here(fence: Fence) -> None:
    """They are of this connection."""
    received = await fence.delivery(post(b"TE: trailers, chunked", b"Trailer: Authorization", b"Keep-Alive: timeout=1"))
    assert [received.field(name) for name in (b"TE", b"Trailer", b"Keep-Alive")] == [[], [], []]


@pytest.mark.parametrize("nominated", [b"content-type", b"Content-Type, X-Hop", b"close, CONTENT-TYPE"])
async def test_connection_takes_no_content_type_away(fence: Fence, nominated: bytes) -> None:
    """The route may have admitted the message for it."""
    received = await fence.delivery(post(b"Content-Type: application/xml", b"Connection: " + nominated, b"X-Hop: 1"))
    assert received.field(b"Content-Type") == [b"application/xml"]


async def test_a_trailer_is_no_field(fence: Fence) -> None:
    """What comes behind a body is dropped."""
    body = chunked(b"x")[:-2] + b"Authorization: " + HIDDEN + b"\r\nX-Late: 1\r\n\r\n"
    received = await fence.delivery(request(b"POST /orders", b"Transfer-Encoding: chunked") + body)
    assert (bytes(received.body), received.field(b"X-Late")) == (b"x", [])


@pytest.mark.parametrize("via", [b"1.1 here", b"1.1 a, 1.1 here", b"HTTP/1.1  here (x)"])
async def test_our_own_name_in_via_is_a_loop(fence: Fence, via: bytes) -> None:
    """Somebody lets us send to ourselves."""
    assert await fence.refusal(post(b"Via: " + via)) == (508, "loop")


async def test_a_request_id_with_controls_is_malformed(fence: Fence) -> None:
    """It would be a field of the answer."""
    assert await fence.end(post(b"X-Request-ID: a\x00b")) == (400, "request_malformed")
    assert await fence.end(post(b"X-Request-ID: a\rSet-Cookie: b")) == (400, "request_malformed")


async def test_an_endless_request_id_is_cut(fence: Fence) -> None:
    """In the log and in the answer."""
    answered = await fence.ask(post(b"X-Request-ID: " + b"x" * 2000))
    assert (answered.status, answered.field(b"X-Request-ID")) == (200, [b"x" * 128])
    assert (await fence.proxy.record())["request_id"] == "x" * 128


@pytest.mark.parametrize("value", [b'","status":200,"x":"', b"\\u000a\\n{}", b"\xe2\x80\xa8\xc2\x85", b"%0a%0d"])
async def test_nothing_that_a_sender_says_makes_a_second_log_line(fence: Fence, value: bytes) -> None:
    """Quotes, escapes and line ends of other alphabets are told as what they are."""
    await fence.ask(post(b"X-Request-ID: " + value))
    record = await fence.proxy.record()
    assert (record["request_id"], record["status"]) == (value.decode("latin-1"), 200)
    assert all(len(line.splitlines()) == 1 and isinstance(json.loads(line), dict) for line in fence.proxy.lines.text)


@pytest.mark.parametrize("field", ADMITTED)
async def test_no_field_passes_for_an_address_on_the_list(fence: Fence, field: bytes) -> None:
    """Where no proxy is trusted, the connection says whose it is."""
    assert await fence.refusal(request(b"POST /listed", field, body=b"x")) == (403, "sender_not_allowed")


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (b"X-API-Key: ",),
        (b"X-API-Key: the-right-ke",),
        (b"X-API-Key: the-right-key ,",),
        (b"X-API-Key: wrong", b"X-API-Key: the-right-key"),
        (b"X-API-Key: the-right-key", b"x-api-key: the-right-key"),
        (b"X_API_Key: the-right-key",),
        (b"Authorization: the-right-key",),
        (b"Cookie: X-API-Key=the-right-key",),
    ],
)
async def test_no_field_passes_for_the_key_but_the_key_alone(fence: Fence, fields: tuple[bytes, ...]) -> None:
    """Not in part, not twice, nowhere else."""
    assert await fence.refusal(request(b"POST /keyed", *fields, body=b"x")) == (403, "credential_refused")


async def test_connection_does_not_take_the_key_away(fence: Fence) -> None:
    """Nor is it let in without: who names it in Connection has shown it all the same, and it does not go on."""
    received = await fence.delivery(
        request(b"POST /keyed", b"X-API-Key: the-right-key", b"Connection: X-API-Key", body=b"x")
    )
    assert b"the-right-key" not in received.head


async def test_a_proxy_status_of_the_senders_own_is_none_of_ours(fence: Fence) -> None:
    """It is not in the answer, so that nobody takes the upstream's answer for the proxy's."""
    answered = await fence.ask(post(b"Proxy-Status: here; error=connection_refused"))
    assert (answered.status, answered.field(b"Proxy-Status")) == (200, [])
    assert (await fence.proxy.record())["made_by"] == "upstream"
