"""The JSON Schema for editors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.config.document import General, OAuthClientEntry, RouteEntry
from proxy.config.inbound_auth import ApiKey, Basic, ClientCertificate, InboundAuth
from proxy.config.model import Limits, ListenerSettings, LogSettings, Model, Rate, Tls
from proxy.config.schema import Document, descriptions, schema

CONFIG = Path(__file__).parents[3] / "config"


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """All mappings in the schema."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from objects(inner)


def test_the_schema_is_json_and_names_its_dialect() -> None:
    """Editors can read it."""
    assert json.loads(json.dumps(schema()))["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_each_option_is_described_and_others_are_refused() -> None:
    """An editor shows what an option means."""
    whole = schema()
    models: dict[str, type[Model]] = {
        "OAuthClientEntry": OAuthClientEntry,
        "RouteEntry": RouteEntry,
        "Limits": Limits,
        "ListenerSettings": ListenerSettings,
        "LogSettings": LogSettings,
        "Rate": Rate,
        "Tls": Tls,
        "InboundAuth": InboundAuth,
        "Basic": Basic,
        "ApiKey": ApiKey,
        "ClientCertificate": ClientCertificate,
    }
    parts: list[tuple[Any, type[Model]]] = [(whole, Document)]
    for part, model in parts + [(whole["$defs"][name], model) for name, model in models.items()]:
        assert part["additionalProperties"] is False
        assert {name: option["description"] for name, option in part["properties"].items()} == descriptions(model)
        assert set(part["properties"]) == set(model.model_fields)


def test_what_a_file_cannot_do_without_is_required() -> None:
    """And what those are made of."""
    whole = schema()
    required = {name: part["required"] for name, part in whole["$defs"].items() if "required" in part}
    assert whole["required"] == ["oauth_clients", "routes"]
    assert required == {
        "ApiKey": ["keys_file"],
        "Basic": ["users_file"],
        "ClientCertificate": ["subjects"],
        "ListenerSettings": ["address"],
        "ListenerTls": ["cert_file"],
        "MessageId": ["field"],
        "Rate": ["per_sender"],
        "RouteEntry": ["path", "upstream", "oauth_client"],
    }


def test_a_missing_value_is_no_value() -> None:
    """Null can be written nowhere."""
    assert [part for part in objects(schema()) if part.get("type") == "null" or None in part.values()] == []


def test_values_may_be_written_as_in_the_file() -> None:
    """Sizes are text or numbers, a listener an address, a mapping or a list."""
    whole = schema()
    assert whole["$defs"]["Limits"]["properties"]["max_head"]["type"] == ["string", "integer"]
    one = [{"type": "string"}, {"$ref": "#/$defs/ListenerSettings"}]
    assert whole["properties"]["listen"]["anyOf"][:2] == one
    assert whole["properties"]["listen"]["anyOf"][2] == {"type": "array", "items": {"anyOf": one}, "minItems": 1}
    assert whole["properties"]["listen"]["default"] == "127.0.0.1:8080"
    assert whole["properties"]["admin"]["default"] == "127.0.0.1:9901"


def test_the_document_is_all_that_is_read() -> None:
    """As the schema has it."""
    assert set(Document.model_fields) == {*General.model_fields, "oauth_clients", "routes"}


def test_the_schema_file_is_that_of_this_version() -> None:
    """`cpi-oauth-proxy schema > config/schema.json` renews it."""
    assert json.loads((CONFIG / "schema.json").read_text()) == schema()


@pytest.mark.parametrize("example", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.name)
def test_each_example_names_its_schema_in_its_first_line_and_keeps_to_it(example: Path) -> None:
    """As the YAML language server reads it."""
    first, _, rest = example.read_text().partition("\n")
    assert first == "# yaml-language-server: $schema=schema.json"
    keys = set(yaml.safe_load(rest))
    assert keys <= set(schema()["properties"])
