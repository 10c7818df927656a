"""The transition table at the head of proxy/upstream/connection.py."""

from collections.abc import Callable

import pytest

from proxy.errors import Draining, ProxyError, UpstreamClosed, UpstreamMalformed, UpstreamTimeout
from proxy.upstream.connection import (
    CLOSED,
    CONNECTING,
    IDLE,
    LEASED,
    SENDING,
    SENT,
    UNUSED,
    ConnectionState,
    UpstreamConnection,
)
from proxy.wire.coroutine_runner import NO_WAITER
from tests.cases import cases
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.unit.upstream.lease import OK, Wire

ANSWER = OK + b"ok"
Step = Callable[[Wire], None]


def answered(wire: Wire) -> None:
    """The whole response has come."""
    wire.connection.data_received(ANSWER)


def used(wire: Wire) -> None:
    """Idle again, after a response."""
    wire.lease()
    sent(wire)
    answered(wire)
    wire.connection.release()
    wire.rings = 0


def sending(wire: Wire) -> None:
    """A part of the request is written."""
    wire.connection.send(b"<request>")


def sent(wire: Wire) -> None:
    """The whole request is written."""
    sending(wire)
    wire.connection.end_request()


def silence(wire: Wire) -> None:
    """A deadline has come."""
    wire.connection.deadline_reached()


def lost(wire: Wire) -> None:
    """The connection breaks."""
    wire.connection.connection_lost(ConnectionResetError())


WAYS: dict[ConnectionState, list[Step]] = {
    UNUSED: [],
    IDLE: [used],
    LEASED: [Wire.lease],
    SENDING: [Wire.lease, sending],
    SENT: [Wire.lease, sent],
    CLOSED: [lambda wire: wire.connection.cut()],
}
"How a connection that was just made gets there."


def in_state(state: ConnectionState, *more: Step) -> Wire:
    """A connection in this state, after these steps more."""
    wire = Wire(lease=False)
    for step in [*WAYS[state], *more]:
        step(wire)
    return wire


EVENTS: dict[str, Step] = {
    "send": lambda wire: wire.connection.send(b"x"),
    "end_request": lambda wire: wire.connection.end_request(),
    "release": lambda wire: wire.connection.release(),
    "cut": lambda wire: wire.connection.cut(),
    "give_up": lambda wire: wire.connection.give_up(Draining("Stopping.")),
    "part": lambda wire: wire.connection.data_received(OK + b"o"),
    "answer": answered,
    "no response": lambda wire: wire.connection.data_received(b"220 smtp\r\n\r\n"),
    "more than a response": lambda wire: wire.connection.data_received(ANSWER + b"x"),
    "eof": lambda wire: wire.connection.eof_received(),
    "lost": lost,
    "silence": silence,
}
STAYS = {
    UNUSED: ("send", "end_request"),
    IDLE: ("send", "end_request"),
    LEASED: ("end_request",),
    SENDING: ("send", "part", "answer"),
    SENT: ("send", "end_request", "part", "answer"),
}
GOES_ON = {(UNUSED, "release"): IDLE, (LEASED, "send"): SENDING, (SENDING, "end_request"): SENT}
"All others go on to CLOSED."


def following(state: ConnectionState, event: str) -> ConnectionState:
    """By the table."""
    return state if event in STAYS.get(state, ()) else GOES_ON.get((state, event), CLOSED)


@cases("event", *EVENTS)
@pytest.mark.parametrize("state", WAYS, ids=lambda state: state.value)
def test_an_event_leads_to(state: ConnectionState, event: str) -> None:
    """The state that the table says."""
    wire = in_state(state)
    assert wire.connection.state is state
    EVENTS[event](wire)

    after = following(state, event)
    assert wire.connection.state is after
    assert wire.connection.open == (after is not CLOSED) == (not wire.transport.aborted)
    assert wire.connection.leased == (after in (LEASED, SENDING, SENT))


@cases(
    "event, failure",
    ("give_up", Draining),
    ("no response", UpstreamMalformed),
    ("eof", UpstreamClosed),
    ("lost", UpstreamClosed),
    ("silence", UpstreamTimeout),
    ("more than a response", None),
    ("part", None),
    ("answer", None),
)
@pytest.mark.parametrize("state", [SENDING, SENT], ids=lambda state: state.value)
def test_an_exchange_is_told(state: ConnectionState, event: str, failure: type[ProxyError] | None) -> None:
    """Once."""
    wire = in_state(state)
    EVENTS[event](wire)

    assert (wire.connection.failure and type(wire.connection.failure), wire.rings) == (failure, 1)


@cases("event", *EVENTS)
@pytest.mark.parametrize("state", [UNUSED, IDLE], ids=lambda state: state.value)
def test_nobody_is_told_of_a_connection_that_is_not_leased(state: ConnectionState, event: str) -> None:
    """Nothing of the last exchange is left on it."""
    wire = in_state(state)
    EVENTS[event](wire)

    connection = wire.connection
    assert (wire.rings, connection.failure, connection.head, connection.body) == (0, None, None, None)


@cases("event", *EVENTS)
def test_a_closed_connection_tells_no_second_failure(event: str) -> None:
    """Nothing is written any more."""
    wire = in_state(SENDING)
    failure = Draining("Stopping.")
    wire.connection.give_up(failure)
    written = wire.transport.written
    EVENTS[event](wire)

    assert wire.connection.failure in ({None} if event == "release" else {failure})
    assert (wire.connection.state, wire.transport.written) == (CLOSED, written)


@cases(
    "steps, after",
    {
        "request, response": ([Wire.lease, sent, answered], IDLE),
        "response, end of the request": ([Wire.lease, sending, answered, EVENTS["end_request"]], IDLE),
        "response without the end of the request": ([Wire.lease, sending, answered], CLOSED),
        "a part of a response": ([Wire.lease, sent, EVENTS["part"]], CLOSED),
        "response, end of the connection": ([Wire.lease, sent, answered, EVENTS["eof"]], CLOSED),
        "given back twice": ([used, EVENTS["release"]], CLOSED),
        "given back unused, twice": ([EVENTS["release"], EVENTS["release"]], CLOSED),
    },
)
def test_a_connection_is_idle_again_after(steps: list[Step], after: ConnectionState) -> None:
    """If both messages are complete."""
    wire = Wire(lease=False)
    for step in steps:
        step(wire)
    wire.connection.release()

    assert wire.connection.state is after


def test_a_request_that_ends_behind_its_response_has_no_deadline() -> None:
    """There is nothing to wait for."""
    wire = in_state(SENDING, answered, EVENTS["end_request"])
    wire.wait(1000)

    assert (wire.connection.state, wire.connection.failure) == (SENT, None)


@pytest.mark.parametrize("state", [LEASED, SENDING, SENT, CLOSED], ids=lambda state: state.value)
def test_it_is_not_leased_in(state: ConnectionState) -> None:
    """Its response would be lost or mixed up."""
    wire = in_state(state)

    with pytest.raises(RuntimeError, match=f"u:1 {state.value}> cannot be leased"):
        wire.lease()
    assert wire.connection.state is state


def test_it_is_connecting_until_it_has_a_transport() -> None:
    """TLS may still be on its way."""
    connection = UpstreamConnection("u:1", HandLoop().deadlines(), lambda _: None, RESPONSES)

    assert (connection.state, connection.open) == (CONNECTING, False)
    with pytest.raises(RuntimeError, match="connecting"):
        connection.lease(NO_WAITER, "GET", 1)
