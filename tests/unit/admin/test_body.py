"""Resources limit bodies."""

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.admin.body import body_of
from tests.cases import cases


@cases("size, status", (0, 200), (2000, 200), (2001, 413))
async def test_a_body_has_the_limit_of_its_resource(size: int, status: int) -> None:
    """Not that of the application."""

    async def resource(request: web.Request) -> web.Response:
        return web.Response(body=await body_of(request, most=2000))

    application = web.Application(client_max_size=10)
    application.router.add_post("/", resource)
    async with TestClient[Any, Any](TestServer(application)) as client:
        answered = await client.post("/", data=b"x" * size)
        assert answered.status == status
        assert status != 200 or await answered.read() == b"x" * size
