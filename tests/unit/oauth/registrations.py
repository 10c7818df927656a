"""OAuth clients as the configuration would give them."""

from typing import Any

from pydantic import SecretStr

from proxy.config.model import AuthMethod, BasicEncoding, OAuthClient, ParamsIn, Provider, TokenFormat

NEO: dict[str, Any] = {
    "provider": Provider.NEO,
    "token_endpoint_auth_method": AuthMethod.CLIENT_SECRET_BASIC,
    "basic_encoding": BasicEncoding.RAW,
    "params_in": ParamsIn.QUERY,
    "token_format": TokenFormat.JWT,
}
XSUAA: dict[str, Any] = {
    "provider": Provider.XSUAA,
    "token_endpoint_auth_method": AuthMethod.CLIENT_SECRET_POST,
    "basic_encoding": BasicEncoding.RAW,
    "params_in": ParamsIn.BODY,
    "token_format": TokenFormat.OPAQUE,
}
GENERIC: dict[str, Any] = {
    "provider": Provider.GENERIC,
    "token_endpoint_auth_method": AuthMethod.CLIENT_SECRET_BASIC,
    "basic_encoding": BasicEncoding.URLENCODED,
    "params_in": ParamsIn.BODY,
    "token_format": TokenFormat.OPAQUE,
}


def registration(preset: dict[str, Any] = XSUAA, **changes: Any) -> OAuthClient:
    """An OAuth client called orders."""
    options: dict[str, Any] = {
        "name": "orders",
        "token_url": "https://as.example/oauth/token",
        "client_id": "sb-1!b2|it-rt-x!b3",
        "client_secret": SecretStr("s3cret$=-_"),
    }
    return OAuthClient(**(options | preset | changes))
