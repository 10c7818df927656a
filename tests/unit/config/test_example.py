"""The configurations that come with the product."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from proxy.config.document import OAuthClientEntry, RouteEntry
from proxy.config.inbound_auth import ApiKey, Basic, ClientCertificate, InboundAuth
from proxy.config.load import load
from proxy.config.model import (
    Admin,
    Limits,
    ListenerSettings,
    ListenerTls,
    LogSettings,
    Model,
    OutboxSettings,
    Rate,
    Tls,
)
from proxy.config.outbox import MessageId
from proxy.config.schema import Document
from proxy.config.store import StoreSettings
from tests.cases import cases
from tests.unit.config.entries import PEM, SECRET_KEY

FOLDER = Path(__file__).parents[3] / "config"
ENVIRON = {"ORDERS_SECRET": "s", "CPI_SERVICE_KEY": SECRET_KEY}
NEEDED = {"routes.path", "routes.upstream", "routes.oauth_client"}
"What each route needs, so that it stands there once for each."
FOUND = {"secret_set_fields"}
"What no file states, because it is found while the file is read."
PARTS: dict[str, type[Model]] = {
    "oauth_clients": OAuthClientEntry,
    "routes": RouteEntry,
    "listen": ListenerSettings,
    "admin": Admin,
    "limits": Limits,
    "log": LogSettings,
    "tls": Tls,
    "inbound_auth": InboundAuth,
    "basic": Basic,
    "api_key": ApiKey,
    "client_certificate": ClientCertificate,
    "rate": Rate,
    "outbox": OutboxSettings,
    "message_id": MessageId,
    "store": StoreSettings,
    "listen.tls": ListenerTls,
}
EXAMPLE = (FOLDER / "example.yaml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"(?m)^( *)#(?=[a-z])", r"\1", EXAMPLE)
"The example with the options in it that stand there commented out."


def options(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """All options, as paths without names and indices."""
    for name in model.model_fields:
        yield path + name
        if name in PARTS:
            yield from options(PARTS.get(path + name, PARTS[name]), f"{path}{name}.")


def stated(node: yaml.Node, path: str = "", *, named: bool = False) -> Iterator[tuple[str, yaml.Node]]:
    """All options that the text states, with their values."""
    if isinstance(node, yaml.SequenceNode) and path.rpartition(".")[2] in PARTS:
        for item in node.value:
            yield from stated(item, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if named:
                yield from stated(value, path)
                continue
            inner = f"{path}.{key.value}".removeprefix(".")
            yield inner, value
            if key.value in PARTS:
                yield from stated(value, inner, named=inner == "oauth_clients")


def everything() -> Iterator[tuple[str, yaml.Node]]:
    """All options in the example, those that are commented out included."""
    root = yaml.compose(UNCOMMENTED, Loader=yaml.SafeLoader)
    assert root
    return stated(root)


def plain(node: yaml.Node) -> Any:
    """A value as the file gives it, where it is no more than a word or empty."""
    return {} if isinstance(node, yaml.MappingNode) else node.value


def is_default(node: yaml.Node) -> bool:
    """Whether the example states it as a default: commented out, and not called an example."""
    line = EXAMPLE.splitlines()[node.start_mark.line]
    return line.lstrip().startswith("#") and "# example" not in line


def test_the_example_can_be_loaded() -> None:
    """With the variables that it names."""
    configuration = load(FOLDER / "example.yaml", ENVIRON)
    assert [route.name for route in configuration.routes] == ["orders", "invoices"]


def test_each_option_stands_in_the_example_exactly_once() -> None:
    """Who reads the example knows all options."""
    counted = Counter(path for path, _ in everything())
    assert {path for path, times in counted.items() if times > 1} == NEEDED
    assert set(counted) == set(options(Document))


@cases("part", "", "oauth_clients.", "routes.", "limits.", "log.")
def test_each_default_that_the_example_states_is_the_model_s(part: str) -> None:
    """None is left out."""
    configuration = load(FOLDER / "example.yaml", ENVIRON)
    resolved: BaseModel = {
        "": configuration,
        "oauth_clients.": configuration.oauth_clients["orders"],
        "routes.": configuration.routes[0],
        "limits.": configuration.limits,
        "log.": configuration.log,
    }[part]
    model = type(resolved)
    compared = set()
    for path, node in everything():
        name = path.removeprefix(part)
        if path.startswith(part) and "." not in name and name not in PARTS and is_default(node):
            as_stated = model.__pydantic_validator__.validate_assignment(model.model_construct(), name, plain(node))
            assert getattr(as_stated, name) == getattr(resolved, name), path
            compared.add(name)
    fields = {name: field.get_default(call_default_factory=True) for name, field in model.model_fields.items()}
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    optional = {name for name, default in fields.items() if default is not None}
    assert optional - needed - set(PARTS) - FOUND <= compared


def test_the_smallest_configuration_can_be_loaded() -> None:
    """One variable, one OAuth client, one route."""
    configuration = load(FOLDER / "minimal.yaml", {"CPI_CLIENT_SECRET": "s"})
    assert [route.name for route in configuration.routes] == ["orders"]


def test_the_sandbox_s_configuration_uses_what_the_sandbox_writes(tmp_path: Path) -> None:
    """They come from the folder beside."""
    (tmp_path / "config").mkdir()
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox/ca.pem").write_text(PEM, encoding="utf-8")
    (tmp_path / ".sandbox/neo-secret").write_text("s", encoding="utf-8")
    (tmp_path / ".sandbox/service-key.json").write_text(SECRET_KEY, encoding="utf-8")
    copy = tmp_path / "config/sandbox.yaml"
    copy.write_bytes((FOLDER / "sandbox.yaml").read_bytes())
    configuration = load(copy, {})
    assert {name: client.provider for name, client in configuration.oauth_clients.items()} == {
        "orders": "neo",
        "invoices": "xsuaa",
    }
    assert [(route.path, route.upstream.rpartition("/")[2]) for route in configuration.routes] == [
        ("/http", "http"),
        ("/btp", "http"),
    ]
    assert all(client.tls.ca_file for client in configuration.oauth_clients.values())
    assert all(route.tls.ca_file for route in configuration.routes)
