"""The admin address: where operators ask the proxy, and by which names."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from proxy.config.base import Model
from proxy.config.urls import Host
from proxy.config.values import Address, ListenAddress

DEFAULT = Address(host="127.0.0.1", port=9901)


class Admin(Model):
    """One address that operators reach us at, never one of the senders."""

    address: ListenAddress = Field(DEFAULT, json_schema_extra={"default": str(DEFAULT)})
    "host:port, [IPv6]:port or unix:/path."
    hosts: tuple[Host, ...] = ()
    "Names that requests on loopback may have in Host, beside localhost and loopback addresses."


def as_admin(value: Any) -> Any:
    """The address alone, or a mapping, as a mapping."""
    return value if isinstance(value, Mapping | Admin) else {"address": value}


def one_or_mapping(schema: dict[str, Any]) -> None:
    """Shows in the schema what `as_admin` takes."""
    mapping = {"$ref": schema.pop("$ref")}
    schema |= {"anyOf": [{"type": "string"}, mapping], "default": str(DEFAULT)}
