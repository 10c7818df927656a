"""The text that `init` writes is a valid configuration with what it was told."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.cli.first_configuration import Setup, first_configuration, name_in, upstream_of
from proxy.cli.import_key import keep, secret_files
from proxy.config.checked_text import check_client_id, check_name
from proxy.config.choices import Provider
from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.config.parsed_values import Network
from proxy.config.service_key import ServiceKey
from proxy.config.yaml_text import read_yaml
from tests.cases import cases

TOKEN_URL = "https://as.example.com/oauth/token"
RUNTIME = "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"


def setup(**changed: Any) -> Setup:
    """An OAuth client with a secret, and a flow."""
    key = ServiceKey(client_id="c", token_url=TOKEN_URL, url=None, client_secret=SecretStr("s$x="))
    told = {"provider": Provider.GENERIC, "key": key, "upstream": f"{RUNTIME}/http/orders", "networks": (), "name": "a"}
    return Setup(**{**told, **changed})


def loaded(folder: Path, told: Setup) -> Configuration:
    """The file, as `run` reads it, beside its secrets."""
    keep({folder / name: text.encode() for name, text in secret_files(told.name, told.key).items()})
    (folder / "proxy.yaml").write_text(first_configuration(told))
    return load(folder / "proxy.yaml", {})


@cases("provider", *list(Provider))
def test_the_file_is_valid_and_has_what_was_told(tmp_path: Path, provider: Provider) -> None:
    """One OAuth client and one route, for senders on this machine only."""
    found = loaded(tmp_path, setup(provider=provider))
    (client,) = found.oauth_clients.values()
    assert (client.name, client.provider, client.token_url, client.client_id) == ("a", provider, TOKEN_URL, "c")
    assert client.grant_at_start is (provider is not Provider.NEO)
    assert client.client_secret is not None
    assert client.client_secret.get_secret_value() == "s$x="
    assert [(each.path, each.upstream) for each in found.routes] == [("/http/orders", f"{RUNTIME}/http/orders")]
    assert [str(each.address) for each in found.listen] == ["127.0.0.1:8080"]


@cases(
    "networks, listening",
    (["10.1.0.0/16"], {"0.0.0.0:8080": ("10.1.0.0/16",)}),
    (["2001:db8::/32"], {"[::]:8080": ("2001:db8::/32",)}),
    (["::1/128", "10.1.0.0/16"], {"0.0.0.0:8080": ("10.1.0.0/16",), "[::]:8080": ("::1/128",)}),
)
def test_senders_on_other_machines_are_named(
    tmp_path: Path, networks: list[str], listening: dict[str, tuple[str, ...]]
) -> None:
    """Each version of IP has a listener of its own."""
    told: list[Network] = [ip_network(each) for each in networks]
    found = loaded(tmp_path, setup(networks=told))
    assert {str(each.address): tuple(map(str, each.allow or ())) for each in found.listen} == listening


@given(st.text(min_size=1))
def test_an_id_is_read_as_it_was_given(client_id: str) -> None:
    """A client id survives YAML and the substitution of variables."""
    try:
        check_client_id(client_id)
    except ValueError:
        return
    key = ServiceKey(client_id=client_id, token_url=TOKEN_URL, url=None, client_secret=SecretStr("s"))
    tree, problems = read_yaml(first_configuration(setup(key=key)), file="x", environ={})
    problems.end()
    assert tree["oauth_clients"]["a"]["client_id"] == client_id


@given(st.from_regex(r"/[!-~]{0,20}", fullmatch=True))
def test_a_flow_is_read_as_it_was_given(flow: str) -> None:
    """It survives YAML and the substitution of variables."""
    try:
        upstream = upstream_of(flow, RUNTIME)
    except ValueError:
        return
    tree, problems = read_yaml(first_configuration(setup(upstream=upstream)), file="x", environ={})
    problems.end()
    assert tree["routes"] == [
        {"path": upstream.removeprefix(RUNTIME) or "/", "upstream": upstream, "oauth_client": "a"}
    ]


@cases(
    "flow, runtime, upstream",
    ("/http/orders", RUNTIME, f"{RUNTIME}/http/orders"),
    ("/http/orders/*", RUNTIME, f"{RUNTIME}/http/orders"),
    ("https://t.example.com/cxf/orders/", RUNTIME, "https://t.example.com/cxf/orders"),
    ("https://t.example.com/http/orders", None, "https://t.example.com/http/orders"),
    ("http://127.0.0.1:9/http/orders", None, "http://127.0.0.1:9/http/orders"),
)
def test_a_flow_is_a_url_or_a_path_below_the_runtime(flow: str, runtime: str | None, upstream: str) -> None:
    """The end `/*` of an endpoint stands for all paths below it."""
    assert upstream_of(flow, runtime) == upstream


@cases(
    "flow, wrong",
    ("/http/orders", "is only a path"),
    ("http://t.example.com/http/orders", "begins with http://"),
    ("t.example.com/http/orders", "begin with https://"),
    ("https://t.example.com/http/orders?x=1", "has a query"),
)
def test_a_flow_that_cannot_be_used_is_told(flow: str, wrong: str) -> None:
    """The sentence says what would be right."""
    with pytest.raises(ValueError, match=wrong):
        upstream_of(flow, None)


@cases(
    "upstream, name",
    ("https://t/http/v1/My%20order", "My20order"),
    ("https://t", "tenant"),
    ("https://t/http/_", "tenant"),
)
def test_the_name_is_the_last_segment(upstream: str, name: str) -> None:
    """Other characters are dropped."""
    assert name_in(upstream) == check_name(name)


def test_one_address_is_written_without_its_length(tmp_path: Path) -> None:
    """So `check` can say that it is probably meant as a network."""
    told: list[Network] = [ip_network(each) for each in ("10.1.0.0", "10.2.0.0/16", "2001:db8::")]
    text = first_configuration(setup(networks=told))
    assert "- 10.1.0.0\n" in text
    assert "- 10.2.0.0/16\n" in text
    assert "- '2001:db8::'\n" in text or "- 2001:db8::\n" in text
    assert loaded(tmp_path, setup(networks=told)).listen[0].allow == tuple(told[:2])
