"""The options in which authorization servers differ.

Neo takes the secret in the Basic field only, as it is (SAP Help, Neo, "OAuth 2.0 Client Credentials Grant"). XSUAA
misreads some secrets in an encoded Basic field, so they go into the body (SAP Help, "Token Retrieval Fails with Status
Code 401"). Others are assumed to follow RFC 6749.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.config.choices import AuthMethod, BasicEncoding, ParamsIn, Provider, TokenFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The options that a provider presets."""

    token_endpoint_auth_method: AuthMethod
    basic_encoding: BasicEncoding
    params_in: ParamsIn
    token_format: TokenFormat


PRESETS = {
    Provider.NEO: Preset(
        token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_BASIC,
        basic_encoding=BasicEncoding.RAW,
        params_in=ParamsIn.QUERY,
        token_format=TokenFormat.JWT,
    ),
    Provider.XSUAA: Preset(
        token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_POST,
        basic_encoding=BasicEncoding.RAW,
        params_in=ParamsIn.BODY,
        token_format=TokenFormat.OPAQUE,
    ),
    Provider.GENERIC: Preset(
        token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_BASIC,
        basic_encoding=BasicEncoding.URLENCODED,
        params_in=ParamsIn.BODY,
        token_format=TokenFormat.OPAQUE,
    ),
}


def provider_of(token_url: str, *, with_service_key: bool) -> Provider:
    """Returns the kind of authorization server."""
    if with_service_key:
        return Provider.XSUAA
    parts = urlsplit(token_url)
    host = parts.hostname or ""
    if host.startswith("oauthasservices-") or parts.path == "/oauth2/api/v1/token":
        return Provider.NEO
    return Provider.XSUAA if ".authentication." in host else Provider.GENERIC
