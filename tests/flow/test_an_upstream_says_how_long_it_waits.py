"""`Keep-Alive: timeout=N` of an upstream: its connection is not used from a second before that on."""

from collections import deque

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Serve, document


@pytest.mark.parametrize(("seconds", "connections"), [(3.9, [1, 1]), (4.0, [1, 2])])
async def test_a_post_does_not_meet_a_connection_that_is_about_to_end(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, seconds: float, connections: list[int]
) -> None:
    """It could not be sent again."""
    upstream.script = deque([answer(200, b"Keep-Alive: timeout=5, max=99", body=b"ok")])
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"x"))
    proxy.clock.leap(seconds)
    assert (await sender.ask(request(b"POST /orders", body=b"y"))).status == 200
    assert [each.connection for each in upstream.requests] == connections
