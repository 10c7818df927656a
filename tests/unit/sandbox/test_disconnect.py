"""Ending a connection that has ended by itself."""

from unittest.mock import Mock

import pytest
from aiohttp import web

from proxy.sandbox.disconnect import hang_up, reset


@pytest.mark.parametrize("disconnect", [hang_up, reset])
def test_a_connection_that_has_gone_needs_no_end(disconnect: object) -> None:
    """Its request has no transport any more."""
    assert callable(disconnect)
    assert isinstance(disconnect(Mock(spec=web.BaseRequest, transport=None)), web.Response)
