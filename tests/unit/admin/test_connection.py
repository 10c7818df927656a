"""A connection to the admin address, where sockets do not lead."""

import gc
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from proxy.admin.connection import IDLE_TIMEOUT, MOST, AdminConnection, AdminConnections, AdminObserver
from proxy.wire.local_site import SiteRefusal
from tests.fakes.loop import HandLoop


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.refused: list[int] = []
        self.failed: list[BaseException | None] = []

    def admin_refused(self, refusal: SiteRefusal) -> None:
        """Of a refusal the status."""
        self.refused.append(refusal.status)

    def admin_failed(self, error: BaseException | None) -> None:
        """Of a fault the error."""
        self.failed.append(error)


@pytest.fixture
def told() -> Told:
    """Whoever is told."""
    return Told()


@pytest.fixture
def clock() -> HandLoop:
    """The clock of the deadlines."""
    return HandLoop()


@pytest.fixture
async def connection(told: Told, clock: HandLoop) -> AdminConnection:
    """A connection that has no transport yet."""

    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError

    connections = AdminConnections(web.Server(never), cast("AdminObserver", told), clock.deadlines())
    made = connections()
    assert isinstance(made, AdminConnection)
    return made


async def test_a_connection_that_has_ended_expires_without_effect(
    connection: AdminConnection, told: Told, clock: HandLoop
) -> None:
    """Its transport is gone, and its end not yet told."""
    connection.begin()
    assert connection.deadline == clock.time() + IDLE_TIMEOUT
    connection.deadline_reached()
    assert (connection.transport, told.refused) == (None, [])


async def test_an_answer_that_has_begun_is_not_followed_by_another(connection: AdminConnection, told: Told) -> None:
    """The connection ends, and the fault is told."""
    request: Any = SimpleNamespace(writer=SimpleNamespace(output_size=1))
    error = ValueError("x")
    with pytest.raises(ConnectionError):
        connection.handle_error(request, 500, error)
    assert (told.refused, told.failed) == ([], [error])


async def test_what_aiohttp_would_log_is_told(connection: AdminConnection, told: Told) -> None:
    """A body that is not well-formed is the peer's fault, all else is ours."""
    error = ValueError("x")
    connection.log_exception("Unhandled exception", exc_info=web.RequestPayloadError("x"))
    connection.log_exception("Unhandled exception", exc_info=error)
    connection.log_exception("Missing return statement on request handler")
    assert (told.refused, told.failed) == ([400], [error, None])


async def test_a_connection_that_never_began_leaves_its_place(told: Told, clock: HandLoop) -> None:
    """Accepting it may fail; nobody tells of its end then."""

    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError

    connections = AdminConnections(web.Server(never), cast("AdminObserver", told), clock.deadlines())
    for _ in range(MOST):
        connections()
    gc.collect()
    assert isinstance(connections(), AdminConnection)
    assert told.refused == []
