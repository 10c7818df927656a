"""One attempt, over a connection in memory."""

import asyncio
from collections.abc import Callable

from proxy.errors import (
    ConnectTimeout,
    RequestMalformed,
    SenderLeft,
    UpstreamClosed,
    UpstreamMalformed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from proxy.forwarding.attempt import ONE_WRITE, AttemptFailed, AttemptResult, UpstreamAnswer, attempt
from proxy.forwarding.body import Body, BufferedBody, StreamedBody
from proxy.forwarding.verdict import ANSWERED, BROKEN, LOST, UNREACHABLE, UNSENT, AttemptOutcome
from proxy.observe.exchange_record import ExchangeRecord
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.request import UpstreamRequest
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from proxy.wire.grammar import CHUNKED, UNSAID
from tests.cases import cases
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.world import MemoryPool, MemorySender, connected, ok, route, turns

HEAD = b"POST /in HTTP/1.1\r\nHost: u\r\n\r\n"


class Attempt:
    """An attempt in progress."""

    def __init__(self, body: Body, pool: MemoryPool | None = None) -> None:
        self.pool, self.waiting, self.record = pool or MemoryPool(), MemorySender(), ExchangeRecord("id", "POST")
        self.result: AttemptResult | None = None
        self.error: BaseException | None = None
        self.over = False
        self.route = route(self.pool, timeout=60, connect_timeout=7)
        self.waiting.run = CoroutineRunner(self._go(body), self._ended)

    async def start(self) -> "Attempt":
        """Runs it as far as possible."""
        assert self.waiting.run is not None
        self.waiting.run.start()
        await turns()
        return self

    async def _go(self, body: Body) -> None:
        length = CHUNKED if isinstance(body, StreamedBody) and body.length is None else UNSAID
        request = UpstreamRequest("POST", b"/in", b"u", [], length)
        self.result = await attempt(self.route, request, body, self.waiting, self.record, patience=60)

    def _ended(self, error: BaseException | None) -> None:
        self.error, self.over = error, True

    @property
    def transport(self) -> MemoryTransport:
        """Returns the transport of the newest connection."""
        return connected(self.pool.made[-1])

    @property
    def connection(self) -> UpstreamConnection:
        """The first connection."""
        return self.pool.made[0]

    @property
    def answer(self) -> UpstreamAnswer:
        """The answer that it got."""
        assert isinstance(self.result, UpstreamAnswer)
        return self.result

    @property
    def outcome(self) -> tuple[AttemptOutcome, type[Exception]]:
        """Returns how it failed."""
        assert isinstance(self.result, AttemptFailed)
        return self.result.outcome, type(self.result.failure)


def incoming(length: int | None = None) -> IncomingBody:
    """Makes a body that has not arrived."""
    return IncomingBody(MemoryTransport(), length)


def streamed(body: IncomingBody, begun: bytes = b"", most: int = 100) -> StreamedBody:
    """Makes a streamed body."""
    return StreamedBody(begun, body, most)


async def test_an_answer_is_handed_over_with_its_connection() -> None:
    """Its body has not been read."""
    it = await Attempt(BufferedBody(b"abc")).start()
    assert it.transport.taken() == HEAD + b"abc"
    assert not it.over

    it.connection.data_received(ok(b"ok"))
    answer = it.answer
    assert (answer.head.status, answer.body.consume(), answer.outcome) == (200, b"ok", ANSWERED)
    assert (it.record.attempts, it.pool.timeouts, it.pool.idle) == (1, [7], [])

    answer.discard()
    assert it.pool.idle == [answer.connection]


async def test_an_answer_gives_its_connection_back_once() -> None:
    """Another exchange may have it by the second call."""
    it = await Attempt(BufferedBody(b"abc")).start()
    it.connection.data_received(ok(b"ok"))
    answer = it.answer
    answer.discard()
    other = await Attempt(BufferedBody(b"def"), it.pool).start()
    assert len(it.pool.made) == 1

    answer.discard()
    it.connection.data_received(ok(b"ok"))
    assert other.answer.body.consume() == b"ok"


async def test_an_idle_connection_is_taken_before_a_new_one_is_made() -> None:
    """A new one takes round trips."""
    pool = MemoryPool()
    pool.idle.append(pool.connection())
    it = await Attempt(BufferedBody(b""), pool).start()

    assert (it.transport.taken(), pool.timeouts, len(pool.made)) == (HEAD, [], 1)
    pool.made[0].connection_lost(None)


@cases("size", ONE_WRITE, ONE_WRITE + 1)
async def test_a_buffered_body_goes_out_whole_whatever_its_size(size: int) -> None:
    """The timeout for the answer begins after it."""
    it = await Attempt(BufferedBody(b"a" * size)).start()
    assert it.transport.taken() == HEAD + b"a" * size

    it.pool.loop.advance(61)
    assert it.outcome == (BROKEN, UpstreamTimeout)


async def test_an_early_answer_ends_the_sending() -> None:
    """The connection is closed then (RFC 9112 §9.5)."""
    body = incoming(4)
    it = await Attempt(streamed(body)).start()
    it.connection.data_received(ok(b"no", status=413))
    answer = it.answer
    assert answer.head.status == 413

    answer.discard()
    assert it.pool.idle == []
    assert it.transport.aborted


@cases("failure", RequestMalformed("x"), SenderLeft())
@cases("congested", True, False)
async def test_a_body_that_breaks_cuts_the_request(failure: Exception, *, congested: bool) -> None:
    """Even if the upstream does not read."""
    body = incoming()
    it = await Attempt(streamed(body, b"ab")).start()
    if congested:
        it.connection.pause_writing()
    body.fail(failure)
    it.waiting.wake()

    assert it.error == failure
    assert it.transport.aborted
    assert it.pool.idle == []
    assert b"0\r\n\r\n" not in it.transport.taken()


@cases("refusal", UpstreamUnreachable("x"), ConnectTimeout("x"))
async def test_without_a_connection_nothing_was_sent(refusal: UpstreamUnreachable) -> None:
    """Another attempt is allowed for any method."""
    pool = MemoryPool()
    pool.refusals.append(refusal)
    it = await Attempt(BufferedBody(b""), pool).start()

    assert (it.result, it.record.attempts) == (AttemptFailed(UNSENT, refusal), 0)


async def test_the_time_of_a_connection_that_fails_is_accounted_for() -> None:
    """The record has the seconds."""
    times = iter([0.0, 1.0, 11.0, 11.0])
    pool, refusal = MemoryPool(), ConnectTimeout("x")
    pool.refusals.append(refusal)
    made, record = route(pool), ExchangeRecord("id", "POST", now=lambda: next(times))
    request = UpstreamRequest("POST", b"/in", b"u", [], UNSAID)
    result = await attempt(made, request, BufferedBody(b""), MemorySender(), record, patience=60)

    assert isinstance(result, AttemptFailed)
    assert (result.outcome, result.failure, record.connect_seconds) == (UNSENT, refusal, 10.0)


async def test_where_a_connection_is_refused_for_good_no_other_is_tried() -> None:
    """It may lock an account."""
    pool, refusal = MemoryPool(), UpstreamUnreachable("407", definite=True)
    pool.refusals.append(refusal)
    it = await Attempt(BufferedBody(b""), pool).start()

    assert it.result == AttemptFailed(UNREACHABLE, refusal)


async def test_a_connection_that_is_closed_as_soon_as_it_is_made_was_sent_nothing() -> None:
    """Servers at their limit do this."""
    pool = MemoryPool()
    make = pool.connection

    def close_at_once() -> object:
        made = make()
        made.connection_lost(None)
        return made

    pool.connection = close_at_once  # type: ignore[method-assign,assignment]
    it = await Attempt(BufferedBody(b"abc"), pool).start()

    assert (it.outcome, it.transport.taken()) == ((UNSENT, UpstreamClosed), b"")


async def test_a_sender_that_left_while_we_connected_costs_no_request() -> None:
    """Nothing was sent."""
    pool = MemoryPool()
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    pool.connect = lambda _: future  # type: ignore[method-assign,assignment,return-value]
    it = await Attempt(BufferedBody(b"abc"), pool).start()
    it.waiting.left = True
    it.waiting.wake()
    future.set_result(pool.connection())
    await turns()

    assert (type(it.error), it.transport.taken()) == (SenderLeft, b"")


Ends = Callable[[Attempt], None]


@cases(
    "happening, outcome",
    {
        "closed before any octet": (lambda it: it.connection.connection_lost(None), (LOST, UpstreamClosed)),
        "closed within the head": (
            lambda it: (it.connection.data_received(b"HTTP/1.1 2"), it.connection.connection_lost(None)),
            (BROKEN, UpstreamClosed),
        ),
        "no HTTP": (lambda it: it.connection.data_received(b"junk\r\n\r\n"), (BROKEN, UpstreamMalformed)),
        "silent": (lambda it: it.pool.loop.advance(61), (BROKEN, UpstreamTimeout)),
    },
)
async def test_an_attempt_without_answer_tells_how_it_ended(
    happening: Ends, outcome: tuple[AttemptOutcome, type]
) -> None:
    """Another attempt depends on it."""
    it = await Attempt(BufferedBody(b"abc")).start()
    happening(it)

    assert it.outcome == outcome
    assert it.pool.idle == []
    assert not it.connection.leased
