"""Problems in JSON, for people."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from proxy.console.problems import ApiProblem, problems
from proxy.errors import SpoolUnavailable
from tests.cases import cases


@cases(
    "error, status, title",
    (ApiProblem(409, "wait"), 409, "Conflict"),
    (ApiProblem(502, "why", "The grant failed"), 502, "The grant failed"),
    (SpoolUnavailable("why"), SpoolUnavailable.status, SpoolUnavailable.title),
    (web.HTTPNotFound(), 404, "Not Found"),
)
async def test_each_error_has_a_title_and_a_detail(error: Exception, status: int, title: str) -> None:
    """From pages, proxy and server."""

    async def fail(_: web.Request) -> web.Response:
        raise error

    answered = await problems(make_mocked_request("GET", "/console/api/x"), fail)
    assert isinstance(answered, web.Response)
    content = json.loads(answered.body or b"")  # type: ignore[arg-type]
    assert (answered.status, content["title"], sorted(content)) == (status, title, ["detail", "title"])


async def test_what_is_outside_the_api_stays_as_it_is() -> None:
    """Pages and other resources."""

    async def fail(_: web.Request) -> web.Response:
        raise web.HTTPNotFound

    with pytest.raises(web.HTTPNotFound):
        await problems(make_mocked_request("GET", "/console/x"), fail)
