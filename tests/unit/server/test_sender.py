"""The connection of a sender, over a transport of memory and on a clock moved by hand."""

import asyncio
import socket
import struct
from typing import Any, cast

import pytest

from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.request import Request
from proxy.server.sender import LINGER, WRITE_HIGH_WATER, Desk, SenderConnection, Terms
from proxy.wire.body import HIGH_WATER
from proxy.wire.run import rung
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
TERMS = Terms(max_head=1024, max_fields=4, head_timeout=15, body_timeout=60, idle_timeout=75)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def post(body: bytes = b"", *, length: int | None = None, fields: bytes = b"") -> bytes:
    """A request with a body, or the beginning of one."""
    size = len(body) if length is None else length
    return b"POST /b HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, size, body)


class House:
    """Everything around a connection; its exchanges read the body and answer when they are let."""

    def __init__(self, *, secure: bool = False) -> None:
        self.loop = HandLoop(monotonic=0.0)
        self.requests: list[Request] = []
        self.bodies: list[bytes | Exception] = []
        self.answers: list[bytes | Exception] = []
        "What exchanges answer, one each; they wait for theirs."
        self.refusals: list[ProxyError] = []
        self.crashes: list[tuple[BaseException, str]] = []
        self.refusal: ProxyError | None = None
        self.here = 0
        self.reads = True
        "Whether exchanges read bodies."
        self.desk = Desk(
            terms=TERMS,
            deadlines=self.loop.deadlines(),
            ids=iter(f"id-{number}" for number in range(1, 100)),
            serve=self.serve,
            refuse=self.refuse,
            crashed=lambda error, address: self.crashes.append((error, address)),
            arrived=self.arrived,
            departed=self.departed,
            secure=secure,
        )

    def arrived(self, connection: SenderConnection) -> ProxyError | None:
        """Count it."""
        del connection
        self.here += 1
        return self.refusal

    def departed(self, connection: SenderConnection) -> None:
        """Count it."""
        del connection
        self.here -= 1

    def refuse(self, connection: SenderConnection, error: ProxyError, request_id: str) -> None:
        """Answer with the code and the id."""
        self.refusals.append(error)
        connection.send(f"<{error.code} {request_id}>".encode())

    async def serve(self, request: Request) -> None:
        """Read the body, then answer."""
        self.requests.append(request)
        body = b""
        try:
            while self.reads and (piece := await request.body.read()):
                body += piece
        except Exception as error:  # noqa: BLE001 - kept for the test
            self.bodies.append(error)
            if not isinstance(error, SenderLeft):
                request.sender.close_after()
                request.sender.send(b"<broken>")
            return
        self.bodies.append(body)
        while not self.answers:
            await rung()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if not request.body.ended:
            request.sender.close_after()
        request.sender.send(answer)

    def connect(self, **extra: Any) -> "Wire":
        """A sender connects."""
        return Wire(self, MemoryTransport(**({"peername": ("192.0.2.7", 1234)} | extra)))


class Wire:
    """Both ends of a connection."""

    def __init__(self, house: House, transport: MemoryTransport) -> None:
        self.house, self.transport = house, transport
        self.connection = SenderConnection(house.desk)
        self.connection.connection_made(transport)

    async def send(self, octets: bytes) -> None:
        """The sender sends, if its octets are read at all."""
        assert self.transport.reading
        self.connection.data_received(octets)
        await turns()

    async def answer(self, *answers: bytes | Exception) -> None:
        """The exchanges answer."""
        self.house.answers += answers
        self.connection.ring()
        await turns()

    def received(self) -> bytes:
        """What the sender has got since the last call."""
        return self.transport.taken()

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.house.loop.advance(seconds)

    @property
    def end(self) -> str:
        """How the connection ended."""
        return "aborted" if self.transport.aborted else "closed" if self.transport.closed else "open"


async def turns() -> None:
    """Let the event loop do all that is ready."""
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.fixture
def house() -> House:
    """A house."""
    return House()


@pytest.fixture
def wire(house: House) -> Wire:
    """A connection to it."""
    return house.connect()


# ---- one request after the other


async def test_a_request_is_served_when_its_head_is_there(house: House, wire: Wire) -> None:
    """With all that an exchange wants to know."""
    await wire.send(post(b"abc", fields=b"X-Request-ID: mine\r\n"))
    await wire.answer(b"<ok>")

    request = house.requests[0]
    assert (request.head.method, request.target.path, request.id) == ("POST", b"/b", "mine")
    assert (house.bodies, wire.received(), wire.end) == ([b"abc"], b"<ok>", "open")
    assert (wire.connection.address, wire.connection.secure, wire.connection.busy) == ("192.0.2.7", False, False)


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_requests_are_the_same_however_they_are_cut(size: int, house: House, wire: Wire) -> None:
    """Three of them, with bodies of all kinds, in pieces of any size."""
    octets = post(b"abc") + GET + b"\r\nPOST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
    house.answers = [b"<1>", b"<2>", b"<3>"]

    for at in range(0, len(octets), size):
        await wire.send(octets[at : at + size])

    assert [request.target.path for request in house.requests] == [b"/b", b"/a", b"/c"]
    assert (house.bodies, wire.received()) == ([b"abc", b"", b"de"], b"<1><2><3>")


async def test_a_request_without_id_is_given_one(house: House, wire: Wire) -> None:
    """The next of the process."""
    house.answers = [b"<1>", b"<2>"]
    await wire.send(GET + GET)

    assert [request.id for request in house.requests] == ["id-1", "id-2"]


async def test_a_long_id_is_cut(house: House, wire: Wire) -> None:
    """It goes into answers and log lines."""
    await wire.send(post(fields=b"X-Request-ID: " + b"a" * 500 + b"\r\n"))

    assert house.requests[0].id == "a" * 128
    await wire.answer(b"<ok>")


async def test_what_comes_behind_a_request_waits_for_its_answer(house: House, wire: Wire) -> None:
    """RFC 9112 §9.3.2; meanwhile nothing more is read."""
    await wire.send(post(b"abc") + GET[:10])
    assert (len(house.requests), wire.transport.reading) == (1, False)

    await wire.answer(b"<1>")
    assert wire.transport.reading
    await wire.send(GET[10:])
    await wire.answer(b"<2>")

    assert (len(house.requests), wire.received()) == (2, b"<1><2>")


async def test_octets_that_arrive_early_keep_their_order(house: House, wire: Wire) -> None:
    """Those that come between an answer and the turn of what is held go behind it."""
    await wire.send(post(b"a") + GET[:10])
    house.answers.append(b"<1>")
    wire.connection.ring()
    assert not wire.connection.busy
    wire.connection.data_received(GET[10:])
    await turns()
    await wire.answer(b"<2>")

    assert ([request.target.path for request in house.requests], house.refusals) == ([b"/b", b"/a"], [])


async def test_reading_a_body_does_not_let_in_more_than_is_held(house: House, wire: Wire) -> None:
    """A large body and the next request in one piece: the body is taken, yet the socket stays unread."""
    await wire.send(post(length=2 * HIGH_WATER))
    await wire.send(b"a" * 2 * HIGH_WATER + GET[:10])

    assert (len(house.bodies), wire.transport.reading) == (1, False)
    await wire.answer(b"<1>")
    assert wire.transport.reading
    await wire.send(GET[10:])
    await wire.answer(b"<2>")
    assert house.requests[1].target.path == b"/a"


async def test_a_body_that_nobody_reads_does_not_stop_the_connection(house: House, wire: Wire) -> None:
    """It came whole with its head and was refused; the next request is read."""
    house.reads = False
    house.answers = [b"<refused>", b"<ok>"]
    await wire.send(post(b"a" * (HIGH_WATER + 1)))

    assert (wire.received(), wire.transport.reading, wire.end) == (b"<refused>", True, "open")
    await wire.send(GET)
    assert wire.received() == b"<ok>"


async def test_a_large_body_is_read_as_fast_as_it_is_taken(house: House, wire: Wire) -> None:
    """Backpressure towards the sender."""
    house.reads = False
    await wire.send(post(length=1 << 20))
    await wire.send(b"a" * (HIGH_WATER + 1))
    assert not wire.transport.reading

    house.requests[0].body.take()

    assert wire.transport.reading
    wire.connection.connection_lost(None)
    house.answers.append(b"")
    wire.connection.ring()


async def test_the_id_of_a_request_may_hold_any_octet(house: House, wire: Wire) -> None:
    """It goes back as it came."""
    await wire.send(post(fields=b"X-Request-ID: \xc3\xa4\r\n"))
    await wire.answer(b"<ok>")

    assert house.requests[0].id.encode("latin-1") == b"\xc3\xa4"


# ---- the last request


CLOSING = [
    pytest.param(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", id="close"),
    pytest.param(b"GET /a HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
]


@pytest.mark.parametrize("octets", CLOSING)
async def test_the_sender_may_say_which_request_is_its_last(octets: bytes, house: House, wire: Wire) -> None:
    """RFC 9112 §9.3: the connection is closed after the answer."""
    await wire.send(octets)
    assert not wire.connection.persistent()
    await wire.answer(b"<ok>")

    assert (wire.received(), wire.end, len(house.requests)) == (b"<ok>", "closed", 1)


@pytest.mark.parametrize("octets", CLOSING)
async def test_what_comes_behind_the_last_request_is_never_served(octets: bytes, house: House, wire: Wire) -> None:
    """RFC 9112 §9.6; whether its answer comes at once or later."""
    await wire.send(octets + GET)
    await wire.answer(b"<ok>")
    assert len(house.requests) == 1

    house.answers.append(b"<ok>")
    other = house.connect()
    await other.send(octets + GET)
    assert (len(house.requests), other.received()) == (2, b"<ok>")


async def test_an_exchange_may_end_the_connection_after_its_answer(house: House, wire: Wire) -> None:
    """The rest of the body is let come and thrown away, so that the answer is not lost to a reset."""
    house.reads = False
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")
    assert (wire.transport.ended, wire.end, wire.transport.reading) == (True, "open", True)

    await wire.send(b"defgh" + GET)
    assert (len(house.requests), repr(wire.connection)) == (1, "<SenderConnection 192.0.2.7 lingering>")
    wire.wait(LINGER + 1)

    assert wire.end == "aborted"


async def test_a_lingering_sender_that_ends_its_side_is_let_go(house: House, wire: Wire) -> None:
    """Nothing more can come."""
    house.reads = False
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")

    assert wire.connection.eof_received() is False


async def test_a_lingering_sender_that_is_slow_gets_its_answer(house: House, wire: Wire) -> None:
    """The short time begins when the answer is out."""
    house.reads = False
    await wire.send(post(b"abc", length=10))
    wire.connection.pause_writing()
    wire.transport.buffered = 1000
    await wire.answer(b"<413>")
    wire.wait(LINGER + 1)
    assert wire.end == "open"

    wire.transport.buffered = 0
    wire.connection.resume_writing()
    wire.wait(LINGER + 1)
    assert wire.end == "aborted"


async def test_a_transport_that_cannot_half_close_lingers_all_the_same(house: House, wire: Wire) -> None:
    """As TLS cannot."""
    house.reads = False
    wire.transport.can_write_eof = lambda: False  # type: ignore[method-assign]
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")

    assert (wire.transport.ended, wire.end) == (False, "open")


# ---- heads that are none


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"request_malformed", id="no Host"),
        pytest.param(b"\x16\x03\x01\x02\x00", b"request_malformed", id="TLS"),
        pytest.param(b"GET / HTTP/2.0\r\n\r\n", b"version_unsupported", id="HTTP/2.0"),
        pytest.param(b"GET /" + b"a" * 1024, b"target_too_long", id="a long target"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 1024, b"head_too_large", id="large fields"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5 + b"\r\n", b"head_too_large", id="many fields"),
        pytest.param(post(fields=b"Transfer-Encoding: chunked\r\n"), b"request_malformed", id="two framings"),
        pytest.param(
            b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", b"request_malformed", id="chunks in HTTP/1.0"
        ),
    ],
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(
    octets: bytes, code: bytes, house: House, wire: Wire
) -> None:
    """Nothing behind it is read as a message (RFC 9112 §6.3)."""
    await wire.send(octets + GET)
    await wire.send(GET)

    assert (wire.received(), house.requests, wire.transport.ended) == (b"<%b id-1>" % code, [], True)


async def test_what_is_no_request_ends_the_connection_behind_others_too(house: House, wire: Wire) -> None:
    """Those before it get their answers first."""
    house.answers = [b"<1>"]
    await wire.send(GET + b"junk\r\n\r\n" + GET)

    assert (len(house.requests), wire.received()) == (1, b"<1><request_malformed id-2>")


async def test_a_body_that_breaks_is_told_to_its_exchange(house: House, wire: Wire) -> None:
    """Its answer is the last, and nothing behind the doubt is read."""
    await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    await wire.send(b"zz\r\n" + GET)

    assert ("chunk size" in str(house.bodies[0]), wire.received(), wire.transport.ended) == (True, b"<broken>", True)
    await wire.send(GET)
    assert len(house.requests) == 1


async def test_a_body_that_is_broken_from_its_first_octet_is_refused(house: House, wire: Wire) -> None:
    """In the piece that brings the head."""
    await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + GET)

    assert (len(house.requests), wire.received()) == (1, b"<broken>")


# ---- Expect


EXPECTING = post(length=3, fields=b"Expect: 100-continue\r\n")


async def test_a_sender_that_waits_is_told_to_send_when_its_body_is_wanted(house: House, wire: Wire) -> None:
    """RFC 9110 §10.1.1: once."""
    await wire.send(EXPECTING)
    assert wire.received() == CONTINUE
    await wire.send(b"abc")
    await wire.answer(b"<ok>")

    assert (house.bodies, wire.received()) == ([b"abc"], b"<ok>")


async def test_a_refused_sender_is_not_told_to_send(house: House, wire: Wire) -> None:
    """RFC 9110 §10.1.1: the final answer comes instead, and the connection ends."""
    house.reads = False
    house.answers = [b"<403>"]
    await wire.send(EXPECTING)

    assert (wire.received(), wire.transport.ended) == (b"<403>", True)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(EXPECTING.replace(b"1.1", b"1.0"), id="HTTP/1.0"),
        pytest.param(EXPECTING + b"abc", id="a body that is there"),
        pytest.param(post(fields=b"Expect: 100-continue\r\n"), id="no body"),
    ],
)
async def test_nobody_is_told_to_send_who_does_not_wait(octets: bytes, house: House, wire: Wire) -> None:
    """RFC 9110 §10.1.1."""
    await wire.send(octets)

    assert wire.received() == b""
    wire.connection.connection_lost(None)
    house.answers.append(b"")
    wire.connection.ring()


# ---- senders that end their side, or go


async def test_a_sender_that_ends_its_side_gets_the_answer_to_its_whole_request(house: House, wire: Wire) -> None:
    """RFC 9112 §9.6."""
    await wire.send(post(b"abc"))
    assert wire.connection.eof_received() is True
    assert (wire.connection.half_closed, wire.connection.persistent()) == (True, False)
    await wire.answer(b"<ok>")

    assert (wire.received(), wire.end, house.bodies) == (b"<ok>", "closed", [b"abc"])


async def test_a_sender_that_ends_its_side_within_a_body_is_told_that_it_is_not_whole(house: House, wire: Wire) -> None:
    """RFC 9112 §8: an incomplete message; it is answered and closed, not waited for."""
    await wire.send(post(b"abc", length=10))
    wire.connection.eof_received()
    await turns()

    assert ("middle of the body" in str(house.bodies[0]), wire.received(), wire.end) == (True, b"<broken>", "closed")


@pytest.mark.parametrize("octets", [b"", GET[:5]], ids=["silent", "within a head"])
async def test_an_idle_sender_that_ends_its_side_is_gone(octets: bytes, wire: Wire) -> None:
    """The transport closes."""
    if octets:
        await wire.send(octets)

    assert wire.connection.eof_received() is False


async def test_a_sender_that_goes_is_told_to_its_exchange(house: House, wire: Wire) -> None:
    """Its body will never be whole; nothing more is sent, and it is counted out."""
    await wire.send(post(b"abc", length=10))
    wire.connection.connection_lost(ConnectionResetError())
    await turns()
    wire.connection.send(b"late")

    assert ([type(each) for each in house.bodies], wire.received()) == ([SenderLeft], b"")
    assert (wire.connection.left, wire.connection.busy, house.here) == (True, False, 0)


async def test_a_sender_that_goes_after_its_request_does_not_end_the_exchange(house: House, wire: Wire) -> None:
    """It has been sent whole: what becomes of it is awaited."""
    await wire.send(post(b"abc"))
    wire.connection.connection_lost(None)
    assert (wire.connection.busy, house.bodies) == (True, [b"abc"])

    await wire.answer(b"<ok>")
    assert (wire.connection.busy, wire.received()) == (False, b"")


async def test_what_is_held_of_a_sender_that_goes_is_not_served(house: House, wire: Wire) -> None:
    """Between the answer and the next request."""
    await wire.send(post(b"abc") + GET)
    house.answers.append(b"<ok>")
    wire.connection.ring()
    wire.connection.connection_lost(None)
    await turns()

    assert len(house.requests) == 1


# ---- faults of ours


async def test_a_crash_of_an_exchange_is_told_and_ends_the_connection(house: House, wire: Wire) -> None:
    """With a reset: half an answer must not look whole."""
    error = LookupError()
    await wire.send(GET)
    await wire.answer(error)

    assert (house.crashes, wire.end) == ([(error, "192.0.2.7")], "aborted")
    wire.connection.connection_lost(None)
    assert house.here == 0


async def test_a_crash_after_the_sender_has_gone_is_told(house: House, wire: Wire) -> None:
    """And does no more harm."""
    error = LookupError()
    await wire.send(GET)
    wire.connection.connection_lost(None)
    await wire.answer(error)

    assert house.crashes == [(error, "192.0.2.7")]


async def test_an_abort_resets_the_connection() -> None:
    """SO_LINGER 0: the sender sees a reset, not an end in order."""
    house = House()
    with socket.socket() as connected:
        wire = house.connect(socket=connected)
        wire.connection.abort()

        assert wire.end == "aborted"
        assert struct.unpack("ii", connected.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)


async def test_a_unix_socket_is_aborted_without_options() -> None:
    """It has no reset."""
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        wire = House().connect(socket=left, peername="")
        wire.connection.abort()

    assert (wire.end, wire.connection.address) == ("aborted", "")


# ---- arriving and draining


async def test_a_sender_may_be_refused_on_arrival(house: House) -> None:
    """With an answer, before it has said anything; what it sends is not read as a request."""
    house.refusal = ProxyErrorOf("overloaded")
    wire = house.connect()
    await wire.send(GET)

    assert (wire.received(), house.requests, wire.transport.ended) == (b"<overloaded id-1>", [], True)


class ProxyErrorOf(ProxyError):
    """A refusal with any code."""

    def __init__(self, code: str) -> None:
        super().__init__("x")
        self.code = code  # type: ignore[misc]


async def test_a_sender_without_address_is_not_served(house: House) -> None:
    """It has reset the connection already, and lists of addresses could not be asked about it."""
    with socket.socket() as connected:
        wire = house.connect(peername=None, socket=connected)

    assert (wire.end, house.here) == ("aborted", 1)


async def test_an_idle_sender_is_closed_when_draining(house: House, wire: Wire) -> None:
    """Nothing is lost."""
    wire.connection.drain()

    assert (wire.end, house.requests) == ("closed", [])


async def test_a_busy_sender_is_closed_after_its_answer_when_draining(house: House, wire: Wire) -> None:
    """What it sent behind is not served, and it is told so."""
    await wire.send(post(b"a") + GET)
    wire.connection.drain()
    assert (wire.end, wire.connection.persistent()) == ("open", False)
    await wire.answer(b"<ok>")

    assert (wire.received(), len(house.requests), wire.transport.ended) == (b"<ok>", 1, True)


async def test_draining_between_two_requests_begins_no_other(house: House, wire: Wire) -> None:
    """Its answer could not be sent any more."""
    await wire.send(post(b"a") + GET)
    house.answers += [b"<1>", b"<2>"]
    wire.connection.ring()
    wire.connection.drain()
    await turns()

    assert (len(house.requests), wire.end) == (1, "closed")


async def test_draining_while_requests_are_answered_at_once_begins_no_other(house: House, wire: Wire) -> None:
    """A request that comes with the one that is being answered is left alone."""

    async def drains(request: Request) -> None:
        house.requests.append(request)
        cast("SenderConnection", request.sender).drain()

    object.__setattr__(house.desk, "serve", drains)
    await wire.send(GET + GET)

    assert (len(house.requests), wire.end) == (1, "closed")


async def test_draining_leaves_a_lingering_sender_its_time(house: House, wire: Wire) -> None:
    """It has its answer still to read."""
    await wire.send(b"junk\r\n\r\n")
    wire.connection.drain()

    assert wire.end == "open"
    wire.wait(LINGER + 1)
    assert wire.end == "aborted"


# ---- deadlines


async def test_a_silent_connection_is_closed(wire: Wire) -> None:
    """After idle_timeout, a new one as one between requests."""
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert (wire.end, wire.received()) == ("closed", b"")


async def test_a_connection_is_silent_from_its_last_answer(wire: Wire) -> None:
    """Not from its beginning."""
    wire.wait(70)
    await wire.send(GET)
    wire.wait(500)
    await wire.answer(b"<ok>")
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert wire.end == "closed"


async def test_a_head_has_a_time_for_all_of_it(house: House, wire: Wire) -> None:
    """Octet by octet does not make it longer."""
    for octet in GET[:14]:
        await wire.send(bytes([octet]))
        wire.wait(1)
    assert wire.received() == b""
    await wire.send(GET[14:15])
    wire.wait(2)

    assert (wire.received(), house.refusals[0].status) == (b"<request_timeout id-1>", 408)


async def test_a_body_has_a_time_for_each_gap(house: House, wire: Wire) -> None:
    """One that stutters goes on."""
    await wire.send(post(b"a", length=10))
    for _ in range(5):
        wire.wait(59)
        await wire.send(b"b")
    wire.wait(61)
    await turns()

    assert ("stood still for 60 s" in str(house.bodies[0]), wire.received()) == (True, b"<broken>")


async def test_a_sender_is_not_blamed_for_a_body_that_we_do_not_read(house: House, wire: Wire) -> None:
    """Or have not asked for yet."""
    house.reads = False
    await wire.send(post(length=1 << 20))
    await wire.send(b"a" * (HIGH_WATER + 1))
    wire.wait(600)
    assert house.requests[0].body.failure is None

    other = house.connect()
    await other.send(EXPECTING)
    other.wait(600)
    assert house.requests[1].body.failure is None
    house.answers = [b"<1>", b"<2>"]
    wire.connection.ring()
    other.connection.ring()


async def test_an_exchange_has_no_time_limit_of_its_sender(wire: Wire) -> None:
    """How long an answer may take is the route's business."""
    await wire.send(post(b"abc"))
    wire.wait(10_000)

    assert wire.end == "open"
    await wire.answer(b"<ok>")


async def test_a_sender_that_does_not_read_its_answer_is_reset(wire: Wire) -> None:
    """After body_timeout, so that it does not hold the upstream."""
    await wire.send(GET)
    wire.connection.pause_writing()
    wire.wait(59)
    assert (wire.end, wire.connection.congested) == ("open", True)
    wire.wait(2)

    assert wire.end == "aborted"
    await wire.answer(b"<late>")


async def test_a_connection_is_not_forgotten_because_it_was_congested(wire: Wire) -> None:
    """The time for silence runs on after the answer has been taken."""
    await wire.send(GET)
    wire.connection.pause_writing()
    await wire.answer(b"<ok>")
    wire.connection.resume_writing()
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert wire.end == "closed"


async def test_a_body_is_watched_on_after_congestion(house: House, wire: Wire) -> None:
    """An answer that comes before the end of the request may congest."""
    await wire.send(post(b"a", length=10))
    wire.connection.pause_writing()
    wire.connection.resume_writing()
    wire.wait(61)
    await turns()

    assert "stood still" in str(house.bodies[0])


async def test_a_body_that_ends_during_congestion_does_not_lift_its_deadline(wire: Wire) -> None:
    """The sender reads no better for it."""
    await wire.send(post(b"a", length=2))
    wire.connection.pause_writing()
    await wire.send(b"b")
    wire.wait(61)

    assert wire.end == "aborted"
    await wire.answer(b"<late>")


async def test_an_exchange_looks_again_after_congestion(wire: Wire) -> None:
    """And has no deadline then."""
    await wire.send(GET)
    wire.connection.pause_writing()
    wire.house.answers.append(b"<ok>")
    wire.connection.resume_writing()

    assert wire.received() == b"<ok>"


async def test_no_request_is_begun_while_answers_are_not_taken(house: House, wire: Wire) -> None:
    """A sender that pipelines and does not read would fill our memory with answers."""
    await wire.send(GET)
    wire.connection.pause_writing()
    await wire.answer(b"<1>")
    await wire.send(GET + GET)
    assert (len(house.requests), wire.transport.reading) == (1, False)

    wire.connection.resume_writing()
    assert (len(house.requests), wire.transport.reading) == (2, False)
    await wire.answer(b"<2>", b"<3>")
    wire.connection.ring()
    assert wire.received() == b"<1><2><3>"


async def test_requests_that_are_answered_at_once_stop_at_congestion(house: House, wire: Wire) -> None:
    """Their own answers may bring it about."""
    house.answers = [b"<1>", b"<2>", b"<3>"]
    sent = house.desk.serve

    async def congests(request: Request) -> None:
        await sent(request)
        if len(house.requests) == 2:
            wire.connection.pause_writing()

    object.__setattr__(house.desk, "serve", congests)
    await wire.send(GET * 3)
    assert wire.received() == b"<1><2>"
    wire.connection.resume_writing()

    assert wire.received() == b"<3>"


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", id="after the last answer"),
        pytest.param(GET, id="after the time for silence"),
    ],
)
async def test_a_closed_connection_whose_answer_is_not_taken_is_reset_in_the_end(ending: bytes, wire: Wire) -> None:
    """Closing waits for the sender to take what was sent, but not for ever."""
    await wire.send(ending)
    await wire.answer(b"<ok>")
    wire.wait(76)
    wire.wait(61)

    assert (wire.transport.closed, wire.end) == (True, "aborted")


async def test_a_departed_sender_has_no_deadline(house: House, wire: Wire) -> None:
    """Nobody looks at it any more."""
    wire.connection.connection_lost(None)
    wire.wait(1000)

    assert (house.loop.pauses, wire.end) == ([], "open")


async def test_its_repr_tells_what_it_does(wire: Wire) -> None:
    """Idle, busy or lingering."""
    seen = [repr(wire.connection)]
    await wire.send(GET)
    seen.append(repr(wire.connection))
    await wire.answer(b"<ok>")
    await wire.send(b"junk\r\n\r\n")
    seen.append(repr(wire.connection))

    assert seen == [f"<SenderConnection 192.0.2.7 {state}>" for state in ("idle", "busy", "lingering")]


async def test_answers_wait_up_to_a_mark(wire: Wire) -> None:
    """What congestion begins with."""
    assert wire.transport.limit == WRITE_HIGH_WATER


# ---- on real sockets


async def test_a_sender_that_resets_at_once_is_not_taken_for_a_unix_socket() -> None:
    """Its octets may still be readable when its address no longer is; nothing of it is served."""
    house = House()
    house.answers = [b"<ok>"]
    loop = asyncio.get_running_loop()
    lost = asyncio.Event()

    class Watched(SenderConnection):
        """Tells when it is over."""

        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            lost.set()

    server = await loop.create_server(lambda: Watched(house.desk), "127.0.0.1", 0)
    sender = socket.create_connection(server.sockets[0].getsockname())
    sender.sendall(GET)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.close()
    async with asyncio.timeout(30):
        await lost.wait()
    server.close()

    assert all(cast("SenderConnection", request.sender).address for request in house.requests)
    assert house.here == 0


async def test_an_early_answer_is_not_lost_to_a_reset() -> None:
    """A sender that goes on sending reads it whole, and the end of the connection behind it."""
    house = House()
    house.reads = False
    house.answers = [b"<413>"]
    server = await asyncio.get_running_loop().create_server(lambda: SenderConnection(house.desk), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(post(length=1 << 20))
    async with asyncio.timeout(30):
        assert await reader.readexactly(5) == b"<413>"
        for _ in range(10):
            writer.write(b"a" * (64 << 10))
            await writer.drain()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    server.close()
