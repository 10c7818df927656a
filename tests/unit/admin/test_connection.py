"""States of a connection that sockets do not reach."""

import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from proxy.admin.connection import IDLE_TIMEOUT, MOST, AdminConnection, AdminConnections
from proxy.wire.deadlines import NEVER
from proxy.wire.local_site import SiteRefusal
from tests.fakes.loop import HandLoop


class Observer:
    """Statuses of refusals, and faults."""

    def __init__(self) -> None:
        self.refused: list[int] = []
        self.failed: list[BaseException | None] = []

    def admin_refused(self, refusal: SiteRefusal) -> None:
        self.refused.append(refusal.status)

    def admin_failed(self, error: BaseException | None) -> None:
        self.failed.append(error)


@pytest.fixture
def observer() -> Observer:
    """Of all connections."""
    return Observer()


@pytest.fixture
def clock() -> HandLoop:
    """Of the deadlines."""
    return HandLoop()


@pytest.fixture
async def connections(observer: Observer, clock: HandLoop) -> AdminConnections:
    """Of a server without resources."""

    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError

    return AdminConnections(web.Server(never), observer, clock.deadlines())


@pytest.fixture
async def connection(connections: AdminConnections) -> AdminConnection:
    """Without a transport."""
    made = connections()
    assert isinstance(made, AdminConnection)
    return made


async def test_a_deadline_after_the_end_has_no_effect(
    connection: AdminConnection, observer: Observer, clock: HandLoop
) -> None:
    """Its transport may be gone."""
    connection.begin()
    assert connection.deadline == clock.time() + IDLE_TIMEOUT
    connection.deadline_reached()
    assert connection.transport is None
    assert observer.refused == []


async def test_a_second_answer_is_not_sent_behind_the_first(connection: AdminConnection, observer: Observer) -> None:
    """It ends, and the fault is reported."""
    request: Any = SimpleNamespace(writer=SimpleNamespace(output_size=1))
    error = ValueError("x")
    with pytest.raises(ConnectionError):
        connection.handle_error(request, 500, error)
    assert observer.failed == [error]
    assert observer.refused == []


async def test_errors_that_aiohttp_would_log_are_reported(connection: AdminConnection, observer: Observer) -> None:
    """Only a malformed body is the client's fault."""
    error = ValueError("x")
    connection.log_exception("Unhandled exception", exc_info=web.RequestPayloadError("x"))
    connection.log_exception("Unhandled exception", exc_info=error)
    connection.log_exception("Missing return statement on request handler")
    assert observer.refused == [400]
    assert observer.failed == [error, None]


async def test_a_connection_that_was_never_made_frees_its_place(
    connections: AdminConnections, observer: Observer
) -> None:
    """Nothing else reports it."""
    for _ in range(MOST):
        connections()
    gc.collect()
    assert isinstance(connections(), AdminConnection)
    assert observer.refused == []


async def test_a_stream_behind_an_unread_answer_has_a_deadline(connection: AdminConnection, clock: HandLoop) -> None:
    """Until the client reads."""
    connection.pause_writing()
    connection.stream()
    assert connection.deadline == clock.time() + IDLE_TIMEOUT
    connection.resume_writing()
    assert connection.deadline == NEVER


async def test_reading_changes_the_deadline_of_a_stream_only(connection: AdminConnection, clock: HandLoop) -> None:
    """Others have theirs from the beginning."""
    connection.begin()
    clock.advance(1)
    connection.pause_writing()
    connection.resume_writing()
    assert connection.deadline == clock.time() - 1 + IDLE_TIMEOUT
