"""Ending connections."""

from collections.abc import Callable
from unittest.mock import Mock

from aiohttp import web

from proxy.sandbox.response_writer import hang_up, reset
from tests.cases import cases


@cases("disconnect", hang_up, reset)
def test_a_closed_connection_is_left_alone(disconnect: Callable[[web.BaseRequest], web.Response]) -> None:
    """It has no transport."""
    assert isinstance(disconnect(Mock(spec=web.BaseRequest, transport=None)), web.Response)
