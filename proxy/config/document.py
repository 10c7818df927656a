"""What the file may say: the options of model.py and, as written, those that the model has resolved."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from proxy.config.checked_text import ClientId, Name, Token
from proxy.config.choices import AuthMethod, BasicEncoding, ParamsIn, Provider, TokenFormat
from proxy.config.listen import ADMIN, Admin, ListenerSettings
from proxy.config.model import Address, OAuthClientOptions, Options, RouteOptions
from proxy.config.urls import PathPrefix, TokenUrl, Upstream

LISTEN = Address(host="127.0.0.1", port=8080)


def as_listeners(value: Any) -> Any:
    """One address, one mapping or a list of both, as a list of mappings."""
    items = value if isinstance(value, list | tuple) else [value]
    return [{"address": item} if isinstance(item, str) else item for item in items]


def one_or_many(schema: dict[str, Any]) -> None:
    """Shows in the schema what `as_listeners` takes."""
    one = {"anyOf": [{"type": "string"}, schema.pop("items")]}
    many = {"type": schema.pop("type"), "items": one, "minItems": 1}
    schema |= {"anyOf": [*one["anyOf"], many], "default": str(LISTEN)}


def as_admin(value: Any) -> Any:
    """The address alone, or a mapping, as a mapping."""
    return value if isinstance(value, Mapping | Admin) else {"address": value}


def one_or_mapping(schema: dict[str, Any]) -> None:
    """Shows in the schema what `as_admin` takes."""
    mapping = {"$ref": schema.pop("$ref")}
    schema |= {"anyOf": [{"type": "string"}, mapping], "default": str(ADMIN)}


def as_json(value: Any) -> Any:
    """A service key that was pasted into the file, for JSON is YAML, as the text that it was."""
    return json.dumps(value) if isinstance(value, Mapping) else value


class OAuthClientEntry(OAuthClientOptions):
    """One registration that the proxy acts as (RFC 6749 section 2)."""

    provider: Provider | None = None
    "Whose authorization server it is, which presets the next four options; without it the token URL tells."
    token_endpoint_auth_method: AuthMethod | None = None
    "How the OAuth client authenticates."
    basic_encoding: BasicEncoding | None = None
    "How id and secret go into the Basic field: raw, as they are; urlencoded, as RFC 6749 section 2.3.1 has it."
    params_in: ParamsIn | None = None
    "Where the parameters of the token request go."
    token_format: TokenFormat | None = None
    "The token_format parameter; opaque sends none."
    token_url: TokenUrl | None = None
    "The token endpoint; with a service key not given."
    client_id: ClientId | None = None
    "The id as registered; with a service key not given."
    client_secret: SecretStr | None = None
    "The secret, best as ${NAME}; either this or client_secret_file."
    service_key: (
        Annotated[SecretStr, BeforeValidator(as_json), WithJsonSchema({"type": ["string", "object"]})] | None
    ) = None
    "The service key itself, best as ${NAME}; either this or service_key_file."


class RouteEntry(RouteOptions):
    """Which requests go to which upstream, as which OAuth client."""

    model_config = ConfigDict(json_schema_extra={"required": ["path", "upstream", "oauth_client"]})

    name: Name | None = None
    "What logs, metrics and commands call the route; without it its path with dashes."
    path: PathPrefix | None = None
    "Prefix of the paths of requests; the rest of the target is appended to the upstream, byte for byte."
    upstream: Upstream | None = None
    "What the prefix stands for: a URL, or a path below the url of the OAuth client's service key."
    oauth_client: str | None = None
    "Name of the OAuth client whose token the requests get."


class General(Options):
    """All options outside OAuth clients and routes."""

    listen: Annotated[tuple[ListenerSettings, ...], BeforeValidator(as_listeners)] = Field(
        (ListenerSettings(address=LISTEN),), min_length=1, json_schema_extra=one_or_many
    )
    "Where senders reach the proxy: an address, a mapping, or a list of them."
    admin: Annotated[Admin, BeforeValidator(as_admin)] = Field(Admin(), json_schema_extra=one_or_mapping)
    "Where health, readiness, metrics and status are read: an address or a mapping."
    via: Token | None = None
    "The proxy's name in Via, by which it knows requests that come back to it; without it one unique to the instance."
