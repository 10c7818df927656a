"""The configuration as a whole: defaults, and all problems at once."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from proxy.config.checked_text import check_token
from proxy.config.model import (
    Admin,
    Configuration,
    Limits,
    ListenerSettings,
    LogSettings,
    OAuthClient,
    RouteSettings,
    Tls,
)
from proxy.config.parsed_values import Address
from proxy.config.resolve import instance_name
from tests.cases import cases
from tests.unit.config.entries import BASIC, PEM, ROUTE, TOKEN_URL, assert_told, complaints, understand, written


def test_all_but_oauth_clients_and_routes_has_a_default() -> None:
    """The smallest file is a whole configuration."""
    client = OAuthClient.model_validate(
        {
            "name": "a",
            "provider": "generic",
            "token_url": TOKEN_URL,
            "client_id": "a",
            "client_secret": "s",
            "token_endpoint_auth_method": "client_secret_basic",
            "basic_encoding": "urlencoded",
            "params_in": "body",
            "token_format": "opaque",
        }
    )
    assert understand(written()) == Configuration(
        listen=(ListenerSettings(address=Address(host="127.0.0.1", port=8080)),),
        admin=Admin(address=Address(host="127.0.0.1", port=9901)),
        oauth_clients={"a": client},
        routes=(RouteSettings(name="x", path="/x", upstream="https://up.example.com/http/x", oauth_client="a"),),
        limits=Limits(),
        log=LogSettings(),
        via=instance_name(),
    )


def test_the_ca_file_of_the_top_level_is_for_all_that_name_none() -> None:
    """A `tls` with its own authorities keeps them."""
    identity = {"cert_file": "own.pem"}
    clients = {"a": BASIC, "b": BASIC | {"tls": identity}, "c": BASIC | {"tls": {"ca_file": "c.pem"}}}
    routes = [
        ROUTE | {"path": f"/{name}", "tls": tls}
        for name, tls in (("a", {}), ("b", identity), ("c", {"ca_file": "c.pem"}))
    ]
    text = json.dumps({"ca_file": "all.pem", "oauth_clients": clients, "routes": routes})
    configuration = understand(text, files=dict.fromkeys(("all.pem", "own.pem", "c.pem"), PEM))
    everywhere, own = Path("/etc/test/all.pem"), Path("/etc/test/own.pem")
    expected = [Tls(ca_file=everywhere), Tls(ca_file=everywhere, cert_file=own), Tls(ca_file=Path("/etc/test/c.pem"))]
    assert [each.tls for each in configuration.oauth_clients.values()] == expected
    assert [each.tls for each in configuration.routes] == expected


@cases(
    "files, wrong",
    ({}, "is not there"),
    ({"all.pem": "no PEM"}, "the file /etc/test/all.pem contains no readable certificate"),
)
def test_a_ca_file_of_the_top_level_that_is_not_usable_is_one_problem(files: dict[str, str], wrong: str) -> None:
    """Not one for each OAuth client and route."""
    assert_told(written(ca_file="all.pem"), f"ca_file: {wrong}", files=files)


def test_the_instance_s_name_is_a_pseudonym_and_stays() -> None:
    """RFC 9110 section 7.6.3; a reload does not change it."""
    assert check_token(instance_name()).startswith("cpi-oauth-proxy-")
    assert instance_name() == instance_name()


@cases(
    "listen, expected",
    ("unix:run/x", [ListenerSettings(address=Address(path=Path("/etc/test/run/x")))]),
    (
        ["127.0.0.1:1", "[::1]:2"],
        [ListenerSettings(address=Address(host=host, port=port)) for host, port in (("127.0.0.1", 1), ("::1", 2))],
    ),
    (
        {"address": "0.0.0.0:1", "allow": ["10.0.0.0/8"]},
        [ListenerSettings(address=Address(host="0.0.0.0", port=1), allow=(ip_network("10.0.0.0/8"),))],
    ),
)
def test_a_listener_is_an_address_or_a_mapping_or_one_of_a_list(listen: Any, expected: Any) -> None:
    """Relative sockets start at the folder of the file."""
    assert list(understand(written(listen=listen)).listen) == expected


@cases(
    "admin, expected",
    ("127.0.0.1:1", Admin(address=Address(host="127.0.0.1", port=1))),
    ({"address": "127.0.0.1:1"}, Admin(address=Address(host="127.0.0.1", port=1))),
    ({"hosts": ["Proxy.Example:80"]}, Admin(hosts=("proxy.example",))),
    ({}, Admin(address=Address(host="127.0.0.1", port=9901))),
    ({"address": "unix:s"}, Admin(address=Address(path=Path("/etc/test/s")))),
)
def test_the_admin_address_is_an_address_or_a_mapping(admin: Any, expected: Admin) -> None:
    """The long form has a default for each part."""
    found = understand(written(admin=admin)).admin
    assert (found.address, found.hosts) == (expected.address, expected.hosts)


@cases(
    "general, told",
    ({"listen": "0.0.0.0:1"}, "listen: 0.0.0.0:1 can be reached from other machines"),
    ({"listen": ["127.0.0.1:1", "0.0.0.0:1"]}, "listen[1]: 0.0.0.0:1 can be reached from other machines"),
    ({"listen": {"address": "0.0.0.0:1"}}, "listen: 0.0.0.0:1 can be reached from other machines"),
    ({"listen": {"address": "0.0.0.0:1", "allow": []}}, "listen.allow: is empty and admits nobody"),
    ({"listen": {"address": "unix:/x", "allow": ["10.0.0.0/8"]}}, "listen.allow: has no effect on a Unix socket"),
    (
        {"listen": ["127.0.0.1:1", {"address": "unix:/x", "allow": ["10.0.0.0/8"]}]},
        "listen[1].allow: has no effect on a Unix socket",
    ),
    (
        {"listen": ["unix:/x", "unix:/y"], "route": ROUTE | {"allow": ["10.0.0.0/8"]}},
        "routes[0].allow: has no effect on a Unix socket",
    ),
    ({"listen": {"address": "unix:/x", "allow": []}}, "listen.allow: is empty and admits nobody"),
    ({"listen": "sesame"}, 'listen: "sesame" is not a valid address'),
    ({"listen": []}, "listen: is empty"),
    ({"listen": ["127.0.0.1:1", "sesame"]}, 'listen[1]: "sesame" is not a valid address'),
    ({"listen": [["sesame"]]}, "listen[0]: is not a mapping"),
    ({"listen": {"adress": "sesame"}}, ["listen.address: is missing", "listen.adress: unknown key; did you mean"]),
    (
        {"listen": {"address": "127.0.0.1:1", "zzzz": "sesame"}},
        "listen.…: unknown key; known are address, allow, tls",
    ),
    ({"listen": {"address": "127.0.0.1:1", "tls": "sesame"}}, "listen.tls: is not a mapping"),
    ({"listen": {"address": "127.0.0.1:1", "tls": {}}}, "listen.tls.cert_file: is missing"),
    (
        {"listen": {"address": "127.0.0.1:1", "tls": {"cert_file": "c", "ca_file": "sesame"}}},
        "listen.tls.ca_file: unknown key; did you mean",
    ),
    ({"listen": [{"address": "127.0.0.1:1", "alow": 1}]}, "listen[0].alow: unknown key; did you mean allow"),
    ({"admin": "127.0.0.1:8080"}, "admin: is also an address for senders"),
    ({"admin": {"address": "127.0.0.1:8080"}}, "admin: is also an address for senders"),
    ({"admin": "sesame"}, 'admin: "sesame" is not a valid address'),
    ({"admin": ["sesame"]}, "admin: is not a valid address"),
    ({"admin": {"adress": "sesame"}}, "admin.adress: unknown key; did you mean address"),
    ({"admin": {"address": "sesame"}}, 'admin.address: "sesame" is not a valid address'),
    ({"admin": {"hosts": "sesame"}}, 'admin.hosts: "sesame" is not a list'),
    ({"admin": {"hosts": ["http://sesame/"]}}, 'admin.hosts[0]: "http://sesame/" is not a valid host'),
    ({"limits": {"max_fields": 0}}, 'limits.max_fields: "0" is too small; write at least 1'),
    ({"limits": {"max_feilds": "sesame"}}, "limits.max_feilds: unknown key; did you mean max_fields"),
    ({"log": {"sample": 2}}, 'log.sample: "2" is not a valid share'),
    ({"log": {"level": "sesame"}}, 'log.level: "sesame" is not known; write one of'),
    ({"via": "a b"}, 'via: "a b" is not a valid token'),
    ({"trusted_proxies": ["sesame"]}, 'trusted_proxies[0]: "sesame" is not a valid network'),
    ({"rout": "sesame"}, "rout: unknown key; did you mean routes"),
    ({"zzzz": "sesame"}, "…: unknown key; known are admin, ca_file, drain_timeout, limits"),
    ({"oauth_clients": {}}, "oauth_clients: there is no OAuth client"),
    ({"oauth_clients": "sesame"}, "oauth_clients: there is no OAuth client"),
    ({"oauth_clients": {"a": "sesame"}}, "oauth_clients.…: is not a mapping"),
    ({"routes": []}, "routes: there is no route"),
    ({"routes": {"a": "sesame"}}, "routes: there is no route"),
    ({"routes": ["sesame"]}, "routes[0]: is not a mapping"),
)
def test_what_does_not_fit_is_told_with_its_path(general: Any, told: Any) -> None:
    """A value is shown if the option can hold no secret."""
    assert_told(written(**general), told)


def test_a_route_may_list_networks_where_some_of_its_senders_have_addresses() -> None:
    """Those of the Unix socket are let in by its permissions."""
    written_so = written(listen=["unix:/x", "127.0.0.1:1"], route=ROUTE | {"allow": ["10.0.0.0/8"]})
    assert understand(written_so).routes[0].allow == (ip_network("10.0.0.0/8"),)


def test_a_name_that_is_none_is_told() -> None:
    """Names of OAuth clients stand in logs and on the command line."""
    assert_told(
        written(oauth_clients={"a b": BASIC}, route=ROUTE | {"oauth_client": "a b"}),
        "oauth_clients.…: is not a valid name",
    )


def test_a_route_whose_list_of_networks_is_wrong_is_not_called_unfenced() -> None:
    """One mistake is one problem."""
    assert_told(
        written(listen="0.0.0.0:1", route=ROUTE | {"allow": ["x"]}), 'routes[0].allow[0]: "x" is not a valid network'
    )


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    """However wrong some are."""
    found = complaints(
        """\
listen: 0.0.0.0:8080
limts: {}
drain_timeout: soon
oauth_clients:
  a:
    token_url: http://as.example.com/token
    client_id: a
    client_secret: ""
    scopes: ["x y"]
  b: {service_key: "${KEY}"}
  a: {}
routes:
  - path: /x
    upstream: https://up.example.com
    oauth_client: c
    timeout: never
  - path: /x/
    upstream: http://up.example.com
    oauth_client: b
    upstrem: 1
"""
    )
    assert [problem.split(": ")[:2] for problem in found] == [
        ["proxy.yaml:1", "listen"],
        ["proxy.yaml:2", "limts"],
        ["proxy.yaml:3", "drain_timeout"],
        ["proxy.yaml:5", "oauth_clients.…"],
        ["proxy.yaml:6", "oauth_clients.a.token_url"],
        ["proxy.yaml:8", "oauth_clients.a.client_secret"],
        ["proxy.yaml:9", "oauth_clients.a.scopes[0]"],
        ["proxy.yaml:10", "oauth_clients.b.service_key"],
        ["proxy.yaml:15", "routes[0].oauth_client"],
        ["proxy.yaml:16", "routes[0].timeout"],
        ["proxy.yaml:17", "routes[1].path"],
        ["proxy.yaml:18", "routes[1].upstream"],
        ["proxy.yaml:20", "routes[1].upstrem"],
    ]


def test_anchors_and_merges_share_options() -> None:
    """Several routes may have them in common."""
    text = """\
oauth_clients: {a: {token_url: https://as.example.com/t, client_id: a, client_secret: s}}
routes:
  - &first {path: /x, upstream: https://up.example.com/x, oauth_client: a, timeout: 5s}
  - {<<: *first, path: /y}
"""
    first, second = understand(text).routes
    assert second == first.model_copy(update={"name": "y", "path": "/y"})
