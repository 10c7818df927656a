"""After each test with a proxy all that it wrote is searched for what must not be there; here it is, and is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.passwords import basic
from tests.fakes.sender import Answer, request
from tests.fakes.upstream import Upstream
from tests.flow.canaries import leaks
from tests.flow.running import Running, document, start

PASSWORD = basic("erp", "cAnAryPassword").decode()
SHOWN = [
    "cAnAryClient",
    "token-1",
    PASSWORD,
    "cAnAryTicket",
    "a=cAnAryCookie",
    "q=cAnAryQuery",
    "<cAnAryMessage/>",
    "cAnAryFirstKey",
]


@pytest.fixture
async def proxy(
    tmp_path: Path, clock: HandLoop, upstream: Upstream, authority: AuthorizationServer
) -> AsyncIterator[Running]:
    """A proxy that has seen one of each; it is not looked at when the test is over."""
    running = await start(document(upstream, authority, client={"client_secret": "cAnAryClient"}), tmp_path, clock)
    fields = (
        f"Authorization: {PASSWORD}".encode(),
        b"MYSAPSSO2: cAnAryTicket",
        b"Cookie: a=cAnAryCookie",
        b"x-api-key:cAnAryFirstKey",
    )
    assert (await running.ask(request(b"POST /orders?q=cAnAryQuery", *fields, body=b"<cAnAryMessage/>"))).status == 200
    yield running
    await running.stop()


async def test_nothing_is_found_where_nothing_is(proxy: Running) -> None:
    """The proxy itself has shown none of it."""
    await proxy.ask_admin("/status")
    await proxy.stop()
    assert (len(proxy.representations[0]) > 100, leaks(proxy)) == (True, {})


@cases("canary", *SHOWN)
async def test_a_canary_in_the_log_is_found(proxy: Running, canary: str) -> None:
    """Of whichever kind."""
    proxy.app.log.logger.debug("something.written", value=canary)
    assert leaks(proxy)["log"][:1] == [canary]


async def test_a_canary_is_found_wherever_else_it_stands(proxy: Running) -> None:
    """In an answer of the proxy's own, on a page, in a representation, on a stream."""
    proxy.senders[0].problems.append(Answer(start=b"", fields=((b"X-Detail", b"cAnAryClient"),), body=b""))
    proxy.pages.append("token: token-1")
    proxy.representations.append("<Secret cAnAryClient>")
    assert leaks(proxy, stdout="cAnAryQuery", stderr="Traceback: q=cAnAryQuery") == {
        "answers": ["cAnAryClient"],
        "admin": ["token-1", "token-1"],
        "representations": ["cAnAryClient"],
        "stderr": ["q=cAnAryQuery"],
    }


async def test_answers_and_pages_are_kept(proxy: Running) -> None:
    """Those that are the proxy's own."""
    await (await proxy.sender()).ask(request(b"GET /nowhere"))
    await proxy.ask_admin("/status")
    assert ([len(each.problems) for each in proxy.senders], len(proxy.pages)) == ([0, 1], 1)
