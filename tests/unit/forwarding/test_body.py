"""Bodies of requests."""

import pytest

from proxy.errors import BodyTooLarge, RequestMalformed
from proxy.forwarding.body import Body, BufferedBody, StreamedBody, collect, length_of
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from proxy.wire.grammar import CHUNKED, UNSAID
from tests.cases import cases
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.bodies import State, state
from tests.unit.forwarding.world import settings


class Collecting:
    """Collects with a buffer of 4 bytes, 8 at most."""

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


@cases(
    "pieces, length",
    {
        "nothing": ([], 0),
        "no chunk": ([], None),
        "as much as the buffer takes": ([b"abcd"], 4),
        "as much, in chunks": ([b"ab", b"cd"], None),
        "less, in pieces": ([b"a", b"b", b"c"], 3),
    },
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


@cases(
    "collecting",
    {
        "announced": lambda: Collecting(length=9, ended=False),
        "in one piece": lambda: Collecting(b"a" * 9, ended=False),
        "in two pieces": lambda: Collecting(b"a", b"b" * 8, ended=False),
    },
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


def passing(length: int | None) -> StreamedBody:
    """Makes a streamed body."""
    return StreamedBody(b"", IncomingBody(MemoryTransport(), length), 100)


@cases(
    "body, method, length",
    {
        "content has its length": (BufferedBody(b"ab"), "GET", 2),
        "an empty POST has one (RFC 9110 §8.6)": (BufferedBody(b""), "POST", 0),
        "an empty PUT has one": (BufferedBody(b""), "PUT", 0),
        "an empty PATCH has one": (BufferedBody(b""), "PATCH", 0),
        "an empty GET needs none": (BufferedBody(b""), "GET", UNSAID),
        "an empty DELETE needs none": (BufferedBody(b""), "DELETE", UNSAID),
        "a streamed body of known length": (passing(7), "POST", 7),
        "a streamed body of unknown length": (passing(None), "POST", CHUNKED),
    },
)
def test_how_long_a_body_is_is_told_in_one_way(body: BufferedBody | StreamedBody, method: str, length: int) -> None:
    """RFC 9112 §6 allows one way only."""
    assert length_of(body, method) == length
