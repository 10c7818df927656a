"""`sandbox --proxy FILE` serves any configuration; without a route to the example's flow it says so."""

from pathlib import Path

import pytest

from tests.fakes.sender import Sender, request
from tests.system.command import Command

pytestmark = pytest.mark.measured

CONFIGURATION = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
log: {format: json}
oauth_clients:
  a: {token_url: "http://127.0.0.1:1/t", client_id: a, client_secret: s}
routes:
  - {path: /elsewhere, upstream: "http://127.0.0.1:1", oauth_client: a}
"""


async def test_without_the_examples_route_it_serves_all_the_same(tmp_path: Path) -> None:
    """And ends when it is told to."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    words = f"sandbox --port-base 0 --directory {tmp_path}/box --proxy {tmp_path}/proxy.yaml".split()
    async with Command(*words) as command:
        await command.prints(r".*has no route from /http/orders to https://127\.0\.0\.1:.*: the example is not sent\.")
        found = await command.prints(r"Serving on 127\.0\.0\.1:(\d+)\. Ctrl-C ends\.")
        await command.prints(r"The console, in a browser: http://127\.0\.0\.1:\d+/console/\?token=[\w-]{43}")
        sender = await Sender.connect(int(found[1]))
        answer = await sender.ask(request(b"GET /http/orders"))
        sender.leave()
        assert (answer.status, answer.code) == (404, "route_unknown")
        assert (await command.logs("exchange.finished"))["path"] == "/http/orders"
        finished = await command.stop()
    assert finished.status == 0
