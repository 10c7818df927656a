"""Bodies of requests."""

import tracemalloc

import pytest

from proxy.errors import BodyTooLarge, RequestMalformed
from proxy.forwarding.body import Body, BufferedBody, StreamedBody, collect, length_of
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from proxy.wire.grammar import CHUNKED, UNSAID
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.bodies import State, state
from tests.unit.forwarding.world import settings


class Collecting:
    """Collects a body with a buffer of 4 bytes and a maximum of 8."""

    def __init__(self, *pieces: bytes, length: int | None = None, ended: bool = True) -> None:
        self.incoming = IncomingBody(MemoryTransport(), length)
        self.body: Body | None = None
        self.error: BaseException | None = None
        self.run = CoroutineRunner(self._collect(), self._ended)
        self.run.start()
        for piece in pieces:
            self.incoming.push(piece)
            self.run.wake()
        if ended:
            self.incoming.end()
            self.run.wake()

    async def _collect(self) -> None:
        self.body = await collect(self.incoming, settings(buffer=4, max_body=8))

    def _ended(self, error: BaseException | None) -> None:
        self.error = error


def streamed(collecting: Collecting) -> StreamedBody:
    """The body, which is streamed."""
    assert isinstance(collecting.body, StreamedBody)
    return collecting.body


def read(body: StreamedBody) -> bytes:
    """Returns what it has now."""
    got: list[bytes] = []

    async def reading() -> None:
        got.append(await body.read())

    errors: list[BaseException | None] = []
    CoroutineRunner(reading(), errors.append).start()
    for error in filter(None, errors):
        raise error
    return got[0]


@pytest.mark.parametrize(
    ("pieces", "length"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([], None, id="no chunk"),
        pytest.param([b"abcd"], 4, id="as much as the buffer takes"),
        pytest.param([b"ab", b"cd"], None, id="as much, in chunks"),
        pytest.param([b"a", b"b", b"c"], 3, id="less, in pieces"),
    ],
)
def test_a_small_body_is_kept_and_can_be_sent_again(pieces: list[bytes], length: int | None) -> None:
    """The pieces are joined."""
    body = Collecting(*pieces, length=length).body

    assert isinstance(body, BufferedBody)
    assert body.content == b"".join(pieces)
    assert body.replayable


def test_nothing_goes_out_before_a_small_body_is_whole() -> None:
    """The collection waits for the rest."""
    collecting = Collecting(b"ab", length=4, ended=False)

    assert collecting.body is None
    assert collecting.error is None


def test_a_body_announced_as_large_is_streamed_from_its_first_octet() -> None:
    """It can be sent again until the first read."""
    assert state(streamed(Collecting(length=5, ended=False))) == State(5, replayable=True, waiting=True)


def test_a_body_that_turns_out_large_is_streamed_with_what_has_been_read() -> None:
    """It can be sent again until the first read."""
    collecting = Collecting(b"abc", b"de", ended=False)
    body = streamed(collecting)
    assert state(body) == State(None, replayable=True, waiting=False)

    assert read(body) == b"abcde"
    assert state(body) == State(None, replayable=False, waiting=True)
    collecting.incoming.push(b"f")
    collecting.incoming.end()
    assert state(body) == State(None, replayable=False, waiting=False)
    assert [read(body) for _ in range(2)] == [b"f", b""]


@pytest.mark.parametrize(
    "collecting",
    [
        pytest.param(lambda: Collecting(length=9, ended=False), id="announced"),
        pytest.param(lambda: Collecting(b"a" * 9, ended=False), id="in one piece"),
        pytest.param(lambda: Collecting(b"a", b"b" * 8, ended=False), id="in two pieces"),
    ],
)
def test_a_body_above_the_limit_is_refused(collecting: type[Collecting]) -> None:
    """The error is BodyTooLarge."""
    assert isinstance(collecting().error, BodyTooLarge)


def test_a_streamed_body_above_the_limit_is_refused_on_the_way() -> None:
    """The last piece is not returned."""
    collecting = Collecting(b"abcde", ended=False)
    body = streamed(collecting)
    read(body)
    collecting.incoming.push(b"fghi")

    with pytest.raises(BodyTooLarge, match="more than 8 bytes"):
        read(body)


def test_a_body_that_breaks_while_it_is_collected_is_the_senders_fault() -> None:
    """The error is that of its connection."""
    collecting = Collecting(b"a", ended=False)
    error = RequestMalformed("x")
    collecting.incoming.fail(error)
    collecting.run.wake()

    assert collecting.error is error


def test_a_broken_body_is_known_before_it_is_read() -> None:
    """The attempt need not wait for the upstream."""
    collecting = Collecting(b"abcde", ended=False)
    body = streamed(collecting)
    read(body)
    assert state(body) == State(None, replayable=False, waiting=True)

    collecting.incoming.fail(RequestMalformed("x"))
    assert state(body) == State(None, replayable=False, waiting=False, broken=True)
    with pytest.raises(RequestMalformed):
        read(body)


def test_wanting_a_streamed_body_asks_a_sender_that_waits_for_it() -> None:
    """RFC 9110 §10.1.1 has the sender wait."""
    collecting = Collecting(length=5, ended=False)
    asked: list[str] = []
    collecting.incoming.invite = lambda: asked.append("asked")
    assert isinstance(collecting.body, StreamedBody)

    collecting.body.want()

    assert asked == ["asked"]


def test_a_body_that_comes_octet_by_octet_takes_at_most_three_times_its_size() -> None:
    """This includes joining the pieces; an octet by itself is an object of 34."""
    size = 20_000
    incoming, bodies = IncomingBody(MemoryTransport(), size), list[Body]()

    async def collecting() -> None:
        bodies.append(await collect(incoming, settings(buffer=size, max_body=size)))

    run = CoroutineRunner(collecting(), lambda _: None)
    tracemalloc.start()
    try:
        run.start()
        for number in range(size):
            incoming.push(bytes(memoryview(b"%d" % (number % 10))))
            run.wake()
        incoming.end()
        run.wake()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(bodies[0], BufferedBody)
    assert bodies[0].content == b"0123456789" * (size // 10)
    assert peak < 3 * size


def passing(length: int | None) -> StreamedBody:
    """Makes a streamed body."""
    return StreamedBody(b"", IncomingBody(MemoryTransport(), length), 100)


@pytest.mark.parametrize(
    ("body", "method", "length"),
    [
        pytest.param(BufferedBody(b"ab"), "GET", 2, id="content has its length"),
        pytest.param(BufferedBody(b""), "POST", 0, id="an empty POST has one (RFC 9110 §8.6)"),
        pytest.param(BufferedBody(b""), "PUT", 0, id="an empty PUT has one"),
        pytest.param(BufferedBody(b""), "PATCH", 0, id="an empty PATCH has one"),
        pytest.param(BufferedBody(b""), "GET", UNSAID, id="an empty GET needs none"),
        pytest.param(BufferedBody(b""), "DELETE", UNSAID, id="an empty DELETE needs none"),
        pytest.param(passing(7), "POST", 7, id="a streamed body of known length"),
        pytest.param(passing(None), "POST", CHUNKED, id="a streamed body of unknown length"),
    ],
)
def test_how_long_a_body_is_is_told_in_one_way(body: BufferedBody | StreamedBody, method: str, length: int) -> None:
    """RFC 9112 §6 allows one way only."""
    assert length_of(body, method) == length
