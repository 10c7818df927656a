"""A proxy with a console."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.console.site import Console
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.loop import HandLoop
from tests.fakes.timers import Timers
from tests.fakes.upstream import Upstream
from tests.flow.canaries import leaks
from tests.flow.console.page import Page
from tests.flow.running import Document, document, start

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def open_page(tmp_path: Path, clock: HandLoop, caplog: pytest.LogCaptureFixture) -> AsyncIterator[OpenPage]:
    """What they have logged has no secret."""
    pages: list[Page] = []
    async with AsyncExitStack() as stack:

        async def opened(document: Document, **options: Any) -> Page:
            timers = Timers()
            make = partial(Console, environ={}, wall=clock.wall, call_later=timers, **options)
            proxy = await start(document, tmp_path, clock, new_extension=make)
            console = cast("Console", proxy.app.extension)
            stack.push_async_callback(proxy.stop)
            page = await stack.enter_async_context(Page(proxy, console, timers))
            pages.append(page)
            return page

        yield opened
    for page in pages:
        assert leaks(page.proxy, logging=caplog.text) == {}


@pytest.fixture
async def page(open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, route: Document) -> Page:
    """Of the route `/orders`."""
    return await open_page(document(upstream, authority, name="orders", **route))


@pytest.fixture
def route() -> Document:
    """Further options, by `pytest.mark.parametrize`."""
    return {}
