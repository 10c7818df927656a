"""Each row of the table of happenings, as an upstream makes them happen."""

from collections import deque
from dataclasses import dataclass

from proxy.outbox.message import MessageState
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Call, Line, Upstream, answer, answering, hang, hang_up, head, reset
from tests.flow.outbox import accepted, deferred, delivered, details, died, kept, posted
from tests.flow.running import Orders, until

MPL = b"AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
FAILED = b"The MPL ID for the failed message is : " + MPL
RETRY = 10.0
"Seconds of the first step of `retries`."


@dataclass(frozen=True)
class Happening:
    """What becomes of a message, and why."""

    line: Line
    once: str
    "What becomes of it without `repeatable`: `again`, or the code of a dead letter."
    repeatable: str
    code: str = ""
    "Of the history, if there was no answer."
    status: int = 0
    mpl_id: str = ""


def status(number: int, once: str, repeatable: str = "again") -> Happening:
    """An answer without an MPL id."""
    return Happening(answer(number), once, repeatable, status=number)


HAPPENINGS = {
    "301": status(301, "refused", "refused"),
    "400": status(400, "refused", "refused"),
    "401": status(401, "again"),
    "403": status(403, "again"),
    "404": status(404, "again"),
    "405": status(405, "refused", "refused"),
    "408": status(408, "again"),
    "413": status(413, "refused", "refused"),
    "415": status(415, "refused", "refused"),
    "422": status(422, "refused", "refused"),
    "429": status(429, "again"),
    "500": status(500, "flow_failed"),
    "501": status(501, "uncertain"),
    "502": status(502, "uncertain"),
    "503": status(503, "again"),
    "504": status(504, "uncertain"),
    "505": status(505, "uncertain"),
    "a failed flow": Happening(answer(500, body=FAILED), "flow_failed", "again", status=500, mpl_id=MPL.decode()),
    "a flow's own 404": Happening(
        answer(404, b"SAP_MessageProcessingLogID: " + MPL), "flow_failed", "again", status=404, mpl_id=MPL.decode()
    ),
    "a flow's own 503": Happening(answer(503, body=FAILED), "flow_failed", "again", status=503, mpl_id=MPL.decode()),
    "closed after it was written": Happening(hang_up, "uncertain", "again", code="upstream_closed"),
    "reset after it was written": Happening(reset, "uncertain", "again", code="upstream_closed"),
    "no HTTP": Happening(answering(b"nonsense\r\n\r\n"), "uncertain", "again", code="upstream_malformed"),
    "silence": Happening(hang, "uncertain", "again", code="upstream_timeout"),
}


@cases("repeatable", False, True)
@cases("name", *HAPPENINGS)
async def test_each_happening(outbox: Orders, clock: HandLoop, name: str, repeatable: bool) -> None:
    """Again after the pause, or dead for good."""
    row = HAPPENINGS[name]
    fate = row.repeatable if repeatable else row.once
    async with Upstream(row.line) as upstream:
        proxy = await outbox(upstream=upstream, repeatable=repeatable, route={"timeout": "5s"})
        message_id = await accepted(proxy, posted(start=b"PUT /orders"))
        if row.line is hang:
            await upstream.reach(1)
            await until(lambda: upstream.requests[0].body)
            clock.advance(5)
        (line,) = await (deferred if fate == "again" else died)(proxy)
        (entry,) = (await details(proxy, message_id)).history
        assert (entry.status, entry.code, entry.mpl_id) == (row.status, row.code, row.mpl_id)
        assert (line["id"], line["attempts"], line["status"], line["mpl_id"]) == (message_id, 1, row.status, row.mpl_id)
        (message,) = await kept(proxy)
        assert len(upstream.requests) == 1
        if fate == "again":
            assert (line["level"], message.state, message.attempts) == ("warning", MessageState.WAITING, 1)
            assert message.next_at is not None
            assert message.next_at <= clock.wall() + RETRY
            upstream.script.clear()
            upstream.script.append(answer(200))
            clock.advance(RETRY)
            (line,) = await delivered(proxy)
            assert (line["attempts"], await kept(proxy)) == (2, [])
        else:
            assert (line["level"], line["code"]) == ("error", fate)
            assert (message.state, message.code, message.next_at) == (MessageState.DEAD, fate, None)
            clock.leap(4 * 86_400)
            assert (await kept(proxy))[0].state is MessageState.DEAD
            assert len(upstream.requests) == 1


@cases("repeatable", False, True)
async def test_nothing_is_lost_while_the_upstream_refuses_connections(
    outbox: Orders, clock: HandLoop, repeatable: bool
) -> None:
    """No attempt is counted."""
    async with Upstream() as gone:
        pass
    proxy = await outbox(upstream=gone, repeatable=repeatable)
    message_id = await accepted(proxy)
    (line,) = await deferred(proxy)
    assert (line["code"], line["status"], line["attempts"]) == ("upstream_unreachable", 0, 0)
    assert "refused the connection" in line["diagnosis"]
    (entry,) = (await details(proxy, message_id)).history
    assert (entry.code, entry.status) == ("upstream_unreachable", 0)
    clock.advance(10)
    assert len(await deferred(proxy, 2)) == 2


async def test_nothing_is_lost_while_there_is_no_token(
    outbox: Orders, upstream: Upstream, refusing: AuthorizationServer
) -> None:
    """The history says why."""
    proxy = await outbox(authority=refusing)
    message_id = await accepted(proxy)
    (line,) = await deferred(proxy)
    assert (line["code"], line["attempts"], upstream.requests) == ("grant_rejected", 0, [])
    assert [each.code for each in (await details(proxy, message_id)).history] == ["grant_rejected"]


async def test_a_refused_token_is_renewed_within_the_same_delivery(
    outbox: Orders, upstream: Upstream, clock: HandLoop
) -> None:
    """It counts as one attempt."""
    upstream.script = deque([answer(200), answer(401), answer(200)])
    proxy = await outbox()
    await accepted(proxy)
    await delivered(proxy)
    clock.advance(60)
    await accepted(proxy)
    _, line = await delivered(proxy, 2)
    assert line["attempts"] == 1
    assert [each.field(b"Authorization") for each in upstream.requests] == [
        [b"Bearer token-1"],
        [b"Bearer token-1"],
        [b"Bearer token-2"],
    ]


async def test_a_csrf_token_is_fetched_within_the_same_delivery(outbox: Orders, upstream: Upstream) -> None:
    """It serves the next delivery too."""
    upstream.script.clear()
    upstream.script.extend(
        [
            answer(403, b"X-CSRF-Token: Required"),
            answer(200, b"X-CSRF-Token: abc", b"Set-Cookie: session=1"),
            answer(200),
        ]
    )
    proxy = await outbox()
    await accepted(proxy)
    await delivered(proxy)
    await accepted(proxy)
    await delivered(proxy, 2)
    assert [(each.method, each.field(b"X-CSRF-Token")) for each in upstream.requests] == [
        (b"POST", []),
        (b"HEAD", [b"Fetch"]),
        (b"POST", [b"abc"]),
        (b"POST", [b"abc"]),
    ]


async def test_a_csrf_fetch_that_fails_defers(outbox: Orders, upstream: Upstream) -> None:
    """No flow ran."""
    upstream.script.clear()
    upstream.script.extend([answer(403, b"X-CSRF-Token: Required"), answer(500)])
    proxy = await outbox()
    await accepted(proxy)
    (line,) = await deferred(proxy)
    assert (line["status"], line["attempts"]) == (403, 1)


@cases("asked, seconds", (b"7", 7), (b"3600", 3600), (b"90000", 3600), (b"Fri, 15 Jan 2027 08:00:40 GMT", 40))
async def test_the_upstream_s_retry_after_wins(
    outbox: Orders, upstream: Upstream, clock: HandLoop, asked: bytes, seconds: int
) -> None:
    """To the second, and up to an hour."""
    upstream.script.appendleft(answer(503, b"Retry-After: " + asked))
    proxy = await outbox()
    await accepted(proxy)
    await deferred(proxy)
    (message,) = await kept(proxy)
    assert message.next_at == clock.wall() + seconds
    clock.leap(seconds - 1)
    assert [each.state for each in await kept(proxy)] == [MessageState.WAITING]
    assert len(upstream.requests) == 1
    clock.advance(1)
    await delivered(proxy)


async def test_a_long_answer_is_read_up_to_a_limit(outbox: Orders, upstream: Upstream) -> None:
    """Its connection is not used again."""
    large = b"x" * (3 << 20)
    upstream.script.appendleft(answering(head(200, b"Content-Length: %d" % len(large)) + large))
    proxy = await outbox()
    for count in (1, 2):
        await accepted(proxy)
        await delivered(proxy, count)
    assert upstream.connections == 2


async def test_a_cut_answer_is_still_an_answer(outbox: Orders, upstream: Upstream) -> None:
    """The flow was successful."""

    async def cut(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 10") + b"12345")
        call.close()

    upstream.script.appendleft(cut)
    proxy = await outbox()
    await accepted(proxy)
    (line,) = await delivered(proxy)
    assert line["status"] == 200
