"""The JSON Schema of the configuration file, for editors. Not imported where a configuration is read."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from proxy.config.base import descendants
from proxy.config.checked_text import Name
from proxy.config.document import General, OAuthClientEntry, RouteEntry
from proxy.config.model import Model


class Document(General):
    """The configuration file of cpi-oauth-proxy."""

    model_config = ConfigDict(json_schema_extra={"required": ["oauth_clients", "routes"]})

    oauth_clients: dict[Name, OAuthClientEntry] = Field(default_factory=dict, min_length=1)
    "The OAuth clients by name."
    routes: tuple[RouteEntry, ...] = Field(default=(), min_length=1)
    "The routes: which requests go to which upstream, with the token of which OAuth client."


def schema() -> dict[str, Any]:
    """Returns the schema, with the text below each field of the models as its description."""
    whole = Document.model_json_schema()
    parts = {model.__name__: model for model in descendants(Model)}
    for name, part in [("Document", whole), *whole["$defs"].items()]:
        if name in parts:
            _describe(part, parts[name])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_without_null(whole)}


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Returns the text below each field, inherited ones included."""
    found: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, Model):
            found |= _own_descriptions(ancestor)
    return found


def _own_descriptions(model: type[BaseModel]) -> dict[str, str]:
    definition = ast.parse(inspect.getsource(model)).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _describe(part: dict[str, Any], model: type[BaseModel]) -> None:
    for name, text in descriptions(model).items():
        part["properties"][name]["description"] = text


def _without_null(part: Any) -> Any:
    """Returns the schema without null, which means an option that is absent and cannot be written."""
    if isinstance(part, list):
        return [_without_null(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    kept = {key: _without_null(value) for key, value in part.items() if value is not None}
    choices = kept.get("anyOf", [])
    return {key: value for key, value in kept.items() if key != "anyOf"} | choices[0] if len(choices) == 1 else kept
