"""What a command is told if the running proxy cannot be used; tests/system has the rest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from proxy.cli.running_proxy import Unreachable, running_proxy
from proxy.config.model import Address, Admin


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Admin]:
    """An admin address that accepts any token, and closes the connection at /gone."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/gone" and request.transport is not None:
            request.transport.abort()
        return web.Response(text=request.headers.get("Authorization", ""), headers={"Server": "cpi-oauth-proxy"})

    (tmp_path / "token").write_text("0123456789abcdef")
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Admin(address=Address(host="127.0.0.1", port=port), token_file=tmp_path / "token")
    await runner.cleanup()


async def test_each_request_carries_the_token(settings: Admin) -> None:
    """Paths are below the admin address."""
    async with running_proxy(settings, {}) as proxy, proxy.session.get("/outbox") as answer:
        assert await answer.text() == "Bearer 0123456789abcdef"


async def test_a_proxy_that_goes_away_is_told(settings: Admin) -> None:
    """It may stop while the command runs."""
    with pytest.raises(Unreachable, match="closed the connection"):
        async with running_proxy(settings, {}) as proxy, proxy.session.get("/gone"):
            raise AssertionError


async def test_a_token_file_that_became_invalid_is_told(settings: Admin) -> None:
    """It was valid when the configuration was read."""
    assert settings.token_file is not None
    settings.token_file.write_text("short")
    with pytest.raises(Unreachable, match=r"`admin\.token_file`: the file .* has fewer than 16 characters"):
        async with running_proxy(settings, {}):
            raise AssertionError
