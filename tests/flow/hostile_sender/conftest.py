"""The servers on both sides of a fence."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.upstream import Upstream
from tests.flow.hostile_sender.fence import Fence
from tests.flow.running import SETTINGS, Document, Serve


@pytest.fixture
def limits() -> dict[str, Any]:
    """Small ones; to be overridden by `pytest.mark.parametrize`."""
    return {"max_head": "4KiB", "max_fields": 20}


@pytest.fixture
def routes(tmp_path: Path) -> list[Document]:
    """Two that anybody may use, of two OAuth clients, and two that not everybody may."""
    (tmp_path / "keys").write_text("the-right-key\n")
    api_key = {"api_key": {"field": "X-API-Key", "keys_file": str(tmp_path / "keys")}}
    return [
        {"path": "/orders", "oauth_client": "orders", "upstream": "/http/orders"},
        {"path": "/invoices", "oauth_client": "invoices", "upstream": "/http/invoices"},
        {"path": "/listed", "oauth_client": "orders", "upstream": "/http/orders", "allow": ["192.0.2.0/24"]},
        {"path": "/keyed", "oauth_client": "orders", "upstream": "/http/orders", "inbound_auth": api_key},
    ]


@pytest.fixture
async def fence(
    serve: Serve, upstream: Upstream, routes: list[Document], limits: dict[str, Any]
) -> AsyncIterator[Fence]:
    """What holds for every hostile sender is looked at when its test is over."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(Upstream(host="127.0.0.2"))
        authorities = {
            name: await stack.enter_async_context(AuthorizationServer(granted(f"{name}-token")))
            for name in ("orders", "invoices")
        }
        clients = {
            name: {
                "provider": "generic",
                "token_url": authority.url,
                "client_id": name,
                "client_secret": f"{name}-secret",
                "token_endpoint_auth_method": "client_secret_post",
            }
            for name, authority in authorities.items()
        }
        proxy = await serve(
            SETTINGS
            | {
                "limits": limits,
                "oauth_clients": clients,
                "routes": [
                    {**route, "upstream": upstream.url + route["upstream"], "buffer": "1KiB", "max_body": "2KiB"}
                    for route in routes
                ],
            }
        )
        by_client = {name.encode(): authority for name, authority in authorities.items()}
        fence = Fence(proxy, upstream, elsewhere, by_client)
        yield fence
        fence.check()
