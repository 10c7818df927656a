"""One token request, sent."""

import pytest

from proxy.config.model import OAuthClient
from proxy.errors import AuthorizationServerError
from proxy.oauth.answer import TokenResponse
from proxy.oauth.client_auth import client_auths
from proxy.oauth.endpoint import GrantSession
from proxy.oauth.grant import GrantRequest, grant_request


def request_of(client: OAuthClient) -> GrantRequest:
    """The request as the client makes it."""
    (auth,) = client_auths(client, wall=lambda: 0.0, new_id=lambda: "id")
    return auth.amend(grant_request(client))


async def send(session: GrantSession, client: OAuthClient) -> TokenResponse:
    """Send one token request."""
    return await session.endpoint(client).send(request_of(client))


async def failure_of(session: GrantSession, client: OAuthClient) -> AuthorizationServerError:
    """What sending fails with."""
    with pytest.raises(AuthorizationServerError) as caught:
        await send(session, client)
    assert caught.value.__cause__ is not None
    return caught.value


async def detail_of(session: GrantSession, client: OAuthClient, kind: type[AuthorizationServerError]) -> str:
    """Without the token endpoint as its subject."""
    failure = await failure_of(session, client)
    assert type(failure) is kind
    return failure.detail.removeprefix(f"{grant_request(client).subject} ")
