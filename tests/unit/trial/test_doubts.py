"""Valid, but probably not meant."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from proxy.config.environment import read_environment
from proxy.config.load import UnresolvedConfiguration
from proxy.config.resolve import resolve
from proxy.config.yaml_text import read_yaml
from proxy.trial.doubts import doubts
from tests.cases import cases
from tests.unit.config.entries import BASIC, OAUTH, ROUTE, written

NEO = "https://oauthasservices-a1b2c3.hana.ondemand.com"
BTP = "https://acme.authentication.eu10.hana.ondemand.com"
API = "sb-0b5c5a4e!b1234|it!b56"
FLOWS = "sb-0b5c5a4e!b1234|it-rt-acme!b56"
IFLMAP = "https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com"
TMN = "https://a1b2c3-tmn.hci.eu1.hana.ondemand.com"
RT = "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"
DESIGN_TIME = "https://acme.it-cpi001.cfapps.eu10.hana.ondemand.com"
NOT_NEO = f"is not the token endpoint of Neo; write {NEO}/oauth2/api/v1/token"
NOT_BTP = f"is not the token endpoint of BTP; write {BTP}/oauth/token"
OF_API = "is of plan api, which is for the OData API and cannot send messages; use a key of plan integration-flow"
SPACE = "begins or ends with white space, which is sent too; remove it if it is left from copying"


def found_in(tree: Any, problems: Any) -> list[str]:
    """As `check` shows them; the secret file ends with a space."""

    def read(path: Path) -> SecretStr:
        return SecretStr(json.dumps({"oauth": OAUTH | {"clientid": API}}) if path.name == "key" else "secret ")

    document = UnresolvedConfiguration(tree, problems, Path("/etc/test"))
    configuration = resolve(tree, problems, folder=document.folder, read=read, insecure_listen=True)
    origin = problems.origin
    return [str(origin.problem(origin.placed(at), text)) for at, text in doubts(configuration, tree)]


def found(client: Any = None, route: Any = None, **general: Any) -> list[str]:
    """With these options."""
    text = written(client=BASIC | (client or {}), route=ROUTE | (route or {}), **general)
    return found_in(*read_yaml(text, file="proxy.yaml", environ={}))


@cases(
    "url, wrong",
    (f"{NEO}/oauth2/api/v1/token", ""),
    (f"{NEO}/oauth2/api/v1/token?grant_type=client_credentials", ""),
    (f"{NEO}/oauth2/api/v1/token/", ""),
    (NEO, NOT_NEO),
    (f"{NEO}/oauth2/api/v1/authorize", NOT_NEO),
    (f"{NEO}/oauth2", NOT_NEO),
    ("https://api.hana.ondemand.com/oauth2/apitoken/v1", ""),
    (f"{BTP}/oauth/token", ""),
    (f"{BTP}/oauth/token/alias/a", ""),
    (BTP, NOT_BTP),
    (f"{BTP}/", NOT_BTP),
    ("https://as.authentication.example.com", ""),
    ("https://as.example.com", ""),
)
def test_a_host_of_sap_without_its_token_endpoint_is_doubted(url: str, wrong: str) -> None:
    """Others may be right."""
    assert found({"token_url": url}) == ([f"proxy.yaml:1: oauth_clients.a.token_url: {wrong}"] if wrong else [])


@cases(
    "upstream, has",
    (f"{TMN}/http/orders", "-iflmap"),
    (f"{TMN}/cxf", "-iflmap"),
    (f"{TMN}/api/v1", ""),
    (TMN, ""),
    (f"{TMN}/httpx", ""),
    (f"{IFLMAP}/http/orders", ""),
    (f"{DESIGN_TIME}/http/orders", "-rt"),
    (f"{DESIGN_TIME}/api/v1", ""),
    (f"{RT}/http/orders", ""),
    ("https://orders-tmn.example.com/http/orders", ""),
)
def test_a_design_time_has_no_flows(upstream: str, has: str) -> None:
    """But the OData API."""
    wrong = "leads to the design time of the tenant, which runs no flows; the runtime's host has"
    assert found(route={"upstream": upstream}) == ([f"proxy.yaml:1: routes[0].upstream: {wrong} {has}"] if has else [])


@cases(
    "client_id, path, doubted",
    (API, "/http/x", True),
    (API, "/api/v1", False),
    (FLOWS, "/http/x", False),
    (f"{API}x", "/http/x", False),
)
def test_a_client_of_plan_api_cannot_send(client_id: str, path: str, doubted: bool) -> None:
    """But use the OData API."""
    wrong = f"proxy.yaml:1: oauth_clients.a.client_id: {OF_API}"
    assert found({"client_id": client_id}, {"upstream": RT + path}) == ([wrong] if doubted else [])


def test_what_is_in_a_service_key_is_shown_there() -> None:
    """The file has no such option."""
    text = written(client={"service_key_file": "key"}, route=ROUTE | {"upstream": "/http/x"})
    assert found_in(*read_yaml(text, file="proxy.yaml", environ={})) == [
        f"proxy.yaml:1: oauth_clients.a.service_key_file: {OF_API}"
    ]


@cases(
    "secret, option",
    ({"client_secret": "a b "}, "client_secret"),
    ({"client_secret": "\u00a0a"}, "client_secret"),
    ({"client_secret": None, "client_secret_file": "secret"}, "client_secret_file"),
    ({"client_secret_next": "a "}, "client_secret_next"),
    ({"client_secret": "a b"}, ""),
)
def test_white_space_around_a_secret_is_doubted(secret: dict[str, Any], option: str) -> None:
    """It is sent all the same."""
    client = {name: value for name, value in (BASIC | secret).items() if value is not None}
    text = written(client=client)
    doubted = [f"proxy.yaml:1: oauth_clients.a.{option}: {SPACE}"] if option else []
    assert found_in(*read_yaml(text, file="proxy.yaml", environ={})) == doubted


@cases(
    "text, network",
    ("10.1.0.0", "10.1.0.0/16"),
    ("192.168.5.0", "192.168.5.0/24"),
    ("0.0.0.0", "0.0.0.0/0"),
    ("2001:db8::", "2001:db8::/64"),
    ("::", "::/0"),
    ("10.1.0.0/32", ""),
    ("10.1.0.0/16", ""),
    ("10.1.0.7", ""),
    ("2001:db8::7", ""),
)
def test_the_address_of_a_network_is_doubted(text: str, network: str) -> None:
    """Not with a length."""
    wrong = f"is one address, {text}; write {network} if the network is meant"
    assert found(
        route={"allow": ["10.1.0.7", text]},
        listen=["127.0.0.1:8081", {"address": "127.0.0.1:8080", "allow": [text]}],
        trusted_proxies=[text],
    ) == (
        [
            f"proxy.yaml:1: {place}: {wrong}"
            for place in ("trusted_proxies[0]", "listen[1].allow[0]", "routes[0].allow[1]")
        ]
        if network
        else []
    )


def test_a_listener_without_a_list_has_its_own_place() -> None:
    """As in problems."""
    (doubt,) = found(listen={"address": "127.0.0.1:8080", "allow": ["10.1.0.0"]})
    assert doubt.startswith("proxy.yaml:1: listen.allow[0]: is one address")


def test_variables_are_named_as_they_are() -> None:
    """Not as options."""
    environ = {
        "CPI_UPSTREAM": f"{TMN}/http/orders",
        "CPI_TOKEN_URL": NEO,
        "CPI_CLIENT_ID": "a",
        "CPI_CLIENT_SECRET": "s ",
        "CPI_ALLOW": "10.1.0.0",
    }
    document = read_environment(environ)
    assert document is not None
    places = [line.split(": ")[1] for line in found_in(*document)]
    assert places == ["CPI_TOKEN_URL", "CPI_CLIENT_SECRET", "CPI_UPSTREAM", "CPI_ALLOW"]
