"""The configuration file: the options of model.py and, as written, those that model.py has resolved."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from proxy.config.checked_text import ClientId, HttpToken, Name
from proxy.config.choices import AuthMethod, BasicEncoding, ParamsIn, Provider, TokenFormat
from proxy.config.listen import ADMIN, Admin, ListenerSettings
from proxy.config.model import Address, OAuthClientOptions, Options, RouteOptions
from proxy.config.urls import PathPrefix, TokenUrl, Upstream

LISTEN = Address(host="127.0.0.1", port=8080)


def as_listeners(value: Any) -> Any:
    """Returns one address, one mapping or a list of both as a list of mappings."""
    items = value if isinstance(value, list | tuple) else [value]
    return [{"address": item} if isinstance(item, str) else item for item in items]


def one_or_many(schema: dict[str, Any]) -> None:
    """Shows in the schema what `as_listeners` accepts."""
    one = {"anyOf": [{"type": "string"}, schema.pop("items")]}
    many = {"type": schema.pop("type"), "items": one, "minItems": 1}
    schema |= {"anyOf": [*one["anyOf"], many], "default": str(LISTEN)}


def as_admin(value: Any) -> Any:
    """Returns an address or a mapping as a mapping."""
    return value if isinstance(value, Mapping | Admin) else {"address": value}


def one_or_mapping(schema: dict[str, Any]) -> None:
    """Shows in the schema what `as_admin` accepts."""
    mapping = {"$ref": schema.pop("$ref")}
    schema |= {"anyOf": [{"type": "string"}, mapping], "default": str(ADMIN)}


def as_json(value: Any) -> Any:
    """Returns a service key that was pasted into the file, and so was read as YAML, as text again."""
    return json.dumps(value) if isinstance(value, Mapping) else value


class OAuthClientEntry(OAuthClientOptions):
    """One OAuth client (RFC 6749 section 2)."""

    provider: Provider | None = None
    "Kind of authorization server, which presets the next four options; by default found by the token URL."
    token_endpoint_auth_method: AuthMethod | None = None
    "How the OAuth client authenticates."
    basic_encoding: BasicEncoding | None = None
    "How id and secret are encoded in the Basic field: raw, not at all; urlencoded, as in RFC 6749 section 2.3.1."
    params_in: ParamsIn | None = None
    "Where the token request has its parameters."
    token_format: TokenFormat | None = None
    "The parameter token_format; opaque sends none."
    token_url: TokenUrl | None = None
    "URL of the token endpoint; not allowed with a service key."
    client_id: ClientId | None = None
    "The client id as registered; not allowed with a service key."
    client_secret: SecretStr | None = None
    "The client secret, preferably as ${NAME}; either this or client_secret_file."
    service_key: (
        Annotated[SecretStr, BeforeValidator(as_json), WithJsonSchema({"type": ["string", "object"]})] | None
    ) = None
    "The service key itself, preferably as ${NAME}; either this or service_key_file."


class RouteEntry(RouteOptions):
    """Which requests go to which upstream, as which OAuth client."""

    model_config = ConfigDict(json_schema_extra={"required": ["path", "upstream", "oauth_client"]})

    name: Name | None = None
    "Name of the route in logs, metrics and commands; by default its path with dashes."
    path: PathPrefix | None = None
    "Path prefix of requests; the rest of the request target is appended to the upstream, byte for byte."
    upstream: Upstream | None = None
    "URL that replaces the prefix, or a path below the url of the OAuth client's service key."
    oauth_client: str | None = None
    "Name of the OAuth client whose token is added to the requests."


class General(Options):
    """All options apart from OAuth clients and routes."""

    listen: Annotated[tuple[ListenerSettings, ...], BeforeValidator(as_listeners)] = Field(
        (ListenerSettings(address=LISTEN),), min_length=1, json_schema_extra=one_or_many
    )
    "Where senders connect: an address, a mapping, or a list of these."
    admin: Annotated[Admin, BeforeValidator(as_admin)] = Field(Admin(), json_schema_extra=one_or_mapping)
    "Where operators read health, readiness, metrics and status: an address or a mapping."
    via: HttpToken | None = None
    "The proxy's name in Via, which reveals requests that come back to it; by default unique to the instance."
