"""The single route from variables."""

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from proxy.config.environment import read_environment
from proxy.config.model import Configuration
from proxy.config.parsed_values import parse_address
from proxy.config.problems import ConfigurationError
from proxy.config.resolve import resolve
from tests.cases import cases
from tests.unit.config.entries import KEY_URL, PEM, SECRET_KEY, Files

BASIC = {
    "CPI_UPSTREAM": "https://up.example.com/http/orders",
    "CPI_TOKEN_URL": "https://as.example.com/token",
    "CPI_CLIENT_ID": "a",
    "CPI_CLIENT_SECRET": "s${x",
}
BOUND = {"VCAP_SERVICES": json.dumps({"it-rt": [{"name": "cpi", "credentials": json.loads(SECRET_KEY)}]})}


def understood(environ: dict[str, str]) -> Configuration:
    """The configuration that the variables stand for."""
    found = read_environment(environ)
    assert found
    tree, problems = found
    files = Files({"key.json": SECRET_KEY, "secret": "from-file", "ca.pem": PEM})
    return resolve(tree, problems, folder=Path("/etc/test"), read=files, insecure_listen=False)


def complaints(environ: dict[str, str]) -> list[str]:
    """The problems, as they are shown."""
    with pytest.raises(ConfigurationError) as caught:
        understood(environ)
    return [str(problem) for problem in caught.value.problems]


@cases(
    "environ",
    {},
    {"CPI_UPSTREAM": ""},
    {"CPI_LISTEN": "127.0.0.1:1", "CPI_CA_FILE": "x", "PATH": "/"},
    {"VCAP_SERVICES": "{}"},
    {"VCAP_SERVICES": BOUND["VCAP_SERVICES"].replace("it-rt", "xsuaa")},
)
def test_without_upstream_and_oauth_client_there_is_no_route(environ: dict[str, str]) -> None:
    """Empty variables are unset ones, and addresses alone are no route."""
    assert read_environment(environ) is None


def test_four_variables_make_one_route_for_all_paths() -> None:
    """Variables in their values are not looked up."""
    configuration = understood(BASIC)
    (route,) = configuration.routes
    client = configuration.oauth_clients["default"]
    assert (route.name, route.path, route.upstream) == ("root", "", "https://up.example.com/http/orders")
    assert (route.oauth_client, client.client_id) == ("default", "a")
    assert client.client_secret
    assert client.client_secret.get_secret_value() == "s${x"


@cases("key", {"CPI_SERVICE_KEY": SECRET_KEY}, {"CPI_SERVICE_KEY_FILE": "key.json"}, BOUND)
@cases(
    "upstream, expected",
    ({}, KEY_URL),
    ({"CPI_UPSTREAM": "/http/x"}, KEY_URL + "/http/x"),
    ({"CPI_UPSTREAM": "https://a/b"}, "https://a/b"),
)
def test_a_service_key_alone_makes_a_route_to_its_runtime(
    key: dict[str, str], upstream: dict[str, str], expected: str
) -> None:
    """The upstream is that, a path below it, or another."""
    assert understood(key | upstream).routes[0].upstream == expected


def test_credentials_in_variables_come_before_a_binding() -> None:
    """Whoever names some means them, the binding notwithstanding."""
    assert understood(BASIC | BOUND) == understood(BASIC)
    assert understood({"CPI_SERVICE_KEY": SECRET_KEY} | BOUND) == understood({"CPI_SERVICE_KEY": SECRET_KEY})
    assert any("CPI_CLIENT_ID: is missing" in told for told in complaints({"CPI_TOKEN_URL": "https://a/t"} | BOUND))


def test_the_other_variables_set_addresses_senders_and_trust() -> None:
    """Lists are separated by commas."""
    others = {
        "CPI_LISTEN": "0.0.0.0:1, [::]:2",
        "CPI_ADMIN": "127.0.0.1:3",
        "CPI_ALLOW": "10.0.0.0/8, 192.0.2.1",
        "CPI_CA_FILE": "ca.pem",
        "CPI_CLIENT_SECRET": "",
        "CPI_CLIENT_SECRET_FILE": "secret",
    }
    configuration = understood(BASIC | others)
    (route,) = configuration.routes
    client = configuration.oauth_clients["default"]
    assert [listener.address for listener in configuration.listen] == [
        parse_address("0.0.0.0:1"),
        parse_address("[::]:2"),
    ]
    assert configuration.admin.address == parse_address("127.0.0.1:3")
    assert route.allow == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))
    assert route.tls.ca_file == client.tls.ca_file == Path("/etc/test/ca.pem")
    assert client.client_secret_file == Path("/etc/test/secret")


@cases(
    "environ, told",
    (
        {"CPI_UPSTREAM": "https://a"},
        [
            "CPI_CLIENT_ID: is missing; set `CPI_CLIENT_ID` or `CPI_SERVICE_KEY_FILE`",
            "CPI_CLIENT_SECRET: is missing; set `CPI_CLIENT_SECRET` or `CPI_CLIENT_SECRET_FILE`",
            "CPI_TOKEN_URL: is missing; set `CPI_TOKEN_URL` or `CPI_SERVICE_KEY_FILE`",
        ],
    ),
    ({**BASIC, "CPI_UPSTREAM": ""}, ["CPI_UPSTREAM: is missing; write a URL"]),
    (
        BASIC | {"CPI_UPSTREAM": "http://a"},
        ["CPI_UPSTREAM: is http:// to another machine; write https:// or set `insecure` (in a file) to true"],
    ),
    (
        BASIC | {"CPI_LISTEN": "0.0.0.0:1"},
        [
            (
                "CPI_LISTEN: 0.0.0.0:1 can be reached from other machines, and anyone could use the tenant; "
                "set `CPI_ALLOW` to the senders' networks, or start with --insecure-listen"
            )
        ],
    ),
    (
        BASIC | {"CPI_TOKEN_URL": "https://a/t?client_secret=sesame"},
        ["CPI_TOKEN_URL: has client_secret in its query; remove it and set `CPI_CLIENT_SECRET`"],
    ),
    (
        BASIC | {"CPI_TOKEN_URL": "https://u:sesame@a/t"},
        ["CPI_TOKEN_URL: contains credentials; remove them and use `CPI_CLIENT_ID` and `CPI_CLIENT_SECRET`"],
    ),
    (
        BASIC | {"CPI_TOKEN_URL": "https://a.hana.ondemand.com/oauth2/api/v1/token", "CPI_CLIENT_ID": "a:b"},
        [
            (
                "CPI_CLIENT_ID: has a colon, which raw Basic cannot carry (RFC 7617); "
                "set `basic_encoding` (in a file) to urlencoded"
            )
        ],
    ),
    (BASIC | {"CPI_ALLOW": "sesame"}, ["CPI_ALLOW: is not a valid network"]),
    (BASIC | {"CPI_ADMIN": "sesame"}, ["CPI_ADMIN: is not a valid address"]),
    (BASIC | {"CPI_CA_FILE": "nowhere"}, ["CPI_CA_FILE: is not there"]),
    (
        BASIC | {"CPI_CLIENT_SECRET_FILE": "secret"},
        ["CPI_CLIENT_SECRET_FILE: is set together with `CPI_CLIENT_SECRET`"],
    ),
    ({"CPI_SERVICE_KEY": "sesame"}, ["CPI_SERVICE_KEY: is not valid JSON"]),
    (
        {"VCAP_SERVICES": json.dumps({"it-rt": [{"name": name, "credentials": {"oauth": 1}} for name in "ab"]})},
        ["VCAP_SERVICES: has several possible bindings (a, b)"],
    ),
    (
        {"VCAP_SERVICES": json.dumps({"it-rt": [{"credentials": {"clientsecret": "sesame"}}]})},
        ["VCAP_SERVICES: has no clientid"],
    ),
    (BASIC | {"CPI_LISTNE": "sesame"}, ["CPI_LISTNE: unknown variable; did you mean CPI_LISTEN"]),
)
def test_problems_name_the_variable(environ: dict[str, str], told: list[str]) -> None:
    """There is no line, and the options have the variables' names."""
    found = sorted(complaints(environ))
    assert len(found) == len(told), found
    for problem, start in zip(found, told, strict=True):
        assert problem.startswith(f"environment: {start}")
        assert "sesame" not in problem


def test_variables_that_others_set_are_let_alone() -> None:
    """Kubernetes sets some for each service."""
    others = {"CPI_PORT": "tcp://10.0.0.1:80", "CPI_SERVICE_HOST": "10.0.0.1", "CPI_UPSTREAMS": "x", "PATH": "/bin"}
    assert understood(BASIC | others) == understood(BASIC)
