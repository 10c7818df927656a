"""Routes: names, upstreams, and what cannot be told apart."""

from typing import Any

from proxy.config.choices import Csrf, Forwarded
from proxy.config.document import RouteEntry
from proxy.config.model import Rate
from proxy.config.parsed_values import Frequency
from proxy.config.routes import name_of
from tests.cases import cases, grouped_cases
from tests.unit.config.entries import KEY_URL, ROUTE, SECRET_KEY, assert_told, complaints, understand, written


@cases(
    "path, name",
    ("/", "root"),
    ("/orders", "orders"),
    ("/a/b", "a-b"),
    ("/a.b/c_d", "a.b-c_d"),
    ("/a%2Fb;c", "a-2Fb-c"),
    ("/-", "root"),
)
def test_a_route_is_named_after_its_path(path: str, name: str) -> None:
    """Dashes stand for what a name cannot have."""
    assert name_of(RouteEntry(path=path)) == name


@cases(
    "key_url, upstream, absolute",
    (KEY_URL, "/http/x/", KEY_URL + "/http/x"),
    (KEY_URL + "/", "/http/x", KEY_URL + "/http/x"),
    (KEY_URL, "/", KEY_URL),
    (KEY_URL, "https://up.example.com/", "https://up.example.com"),
)
def test_an_upstream_can_be_relative_to_the_service_key_s_url(key_url: str, upstream: str, absolute: str) -> None:
    """With one slash between them."""
    text = written(client={"service_key": SECRET_KEY.replace(KEY_URL, key_url)}, route=ROUTE | {"upstream": upstream})
    assert understand(text).routes[0].upstream == absolute


def test_what_is_not_compared_is_brought_to_one_form() -> None:
    """Final slashes, the host's case and port, and YAML's off."""
    route = ROUTE | {"path": "/X/", "host": "A.example.com:80", "csrf": False, "forwarded": False, "methods": ["POST"]}
    found = understand(written(route=route)).routes[0]
    assert (found.name, found.path, found.host, found.methods) == ("X", "/X", "a.example.com", frozenset({"POST"}))
    assert (found.csrf, found.forwarded) == (Csrf.OFF, Forwarded.OFF)


@grouped_cases(
    "second, first",
    ({"path": "/y"}, [{"path": "/x"}]),
    ({"path": "/x", "host": "b", "name": "b"}, [{"path": "/x", "host": "a"}, {"path": "/x"}]),
    ({"path": "/x", "methods": ["PUT"], "name": "b"}, [{"path": "/x", "methods": ["POST"]}]),
)
def test_routes_that_differ_stand_side_by_side(first: Any, second: Any) -> None:
    """Path, host or methods make the difference."""
    assert len(understand(written(routes=[ROUTE | first, ROUTE | second])).routes) == 2


@cases(
    "first, second, told",
    ({"path": "/x"}, {"path": "/x/", "name": "b"}, "path: matches the same requests as routes[0]"),
    ({"host": "a:80"}, {"host": "A", "name": "b"}, "path: matches the same requests as routes[0]"),
    ({"methods": ["POST"]}, {"methods": ["PUT", "POST"], "name": "b"}, "path: matches the same requests as routes[0]"),
    ({"methods": ["POST"]}, {"name": "b"}, "path: matches the same requests as routes[0]"),
    ({"path": "/a/b"}, {"path": "/a-b"}, "name: is a-b, which is also the name of routes[0]"),
    ({"path": "/a"}, {"path": "/b", "name": "a"}, "name: is a, which is also the name of routes[0]"),
)
def test_routes_that_could_not_be_told_apart_are_refused(first: Any, second: Any, told: str) -> None:
    """At the second one."""
    assert_told(written(routes=[ROUTE | first, ROUTE | second]), told, at="routes[1].")


@cases(
    "route, told",
    ({"oauth_client": "aa"}, 'oauth_client: "aa" does not name an OAuth client; did you mean a'),
    ({"oauth_client": "zzzz"}, 'oauth_client: "zzzz" does not name an OAuth client; known are a'),
    ({"upstream": "/x"}, "upstream: is relative, but the OAuth client has no service key"),
    ({"upstream": "http://up.example.com"}, "upstream: is http:// to another machine"),
    ({"upstream": "https://u:sesame@up/"}, "upstream: contains credentials"),
    ({"path": "sesame"}, 'path: "sesame" is not a valid path'),
    ({"host": "https://sesame"}, 'host: "https://sesame" is not a valid host'),
    ({"methods": ["post"]}, 'methods[0]: "post" is not a valid method; write POST'),
    ({"methods": []}, "methods: is empty"),
    ({"methods": "POST"}, 'methods: "POST" is not a list'),
    ({"allow": []}, "allow: is empty and admits nobody"),
    ({"allow": ["10.0.0.0/8", "sesame"]}, 'allow[1]: "sesame" is not a valid network'),
    ({"allow": "10.0.0.0/8"}, 'allow: "10.0.0.0/8" is not a list'),
    ({"csrf": True}, "csrf: \"true\" is not known; write one of 'auto' or 'off'"),
    ({"forwarded": True}, 'forwarded: "true" is not known; write one of'),
    ({"cookies": "sesame"}, "cookies: \"sesame\" is not known; write one of 'prefixed' or 'drop'"),
    ({"max_body": 0}, 'max_body: "0" is too small; write more than 0'),
    ({"buffer": "sesame"}, 'buffer: "sesame" is not a valid size'),
    ({"retry_on_403": "sesame"}, 'retry_on_403: "sesame" is not a valid switch'),
    ({"set_fields": {"Authorization": "sesame"}}, "set_fields.Authorization: is a field that the proxy itself"),
    ({"set_fields": {"Cookie": "sesame"}}, "set_fields.Cookie: is a field that the proxy itself"),
    ({"set_fields": {"Via": "sesame"}}, "set_fields.Via: is a field that the proxy itself"),
    ({"set_fields": {"x-csrf-token": "sesame"}}, "set_fields.x-csrf-token: is a field that the proxy itself"),
    (
        {"set_fields": {"X-Forwarded-For": "sesame"}, "forwarded": "x-forwarded"},
        "set_fields: contains a field that `forwarded` sets",
    ),
    ({"set_fields": {"X": "sesame\n"}}, "set_fields.…: is not a valid field value"),
    ({"set_fields": {"X": "1", "x": "2"}}, "set_fields: has a field twice"),
    ({"drop_fields": ["Host"]}, "drop_fields[0]: is a field that the proxy itself"),
    ({"name": "a b"}, 'name: "a b" is not a valid name'),
    ({"tls": {"ca_file": "nowhere"}}, "tls.ca_file: is not there"),
    ({"tls": "sesame"}, "tls: is not a mapping"),
    ({"tls": {"cafile": "sesame"}}, "tls.cafile: unknown key; did you mean ca_file"),
    ({"timeot": "sesame"}, "timeot: unknown key; did you mean timeout"),
    ({"inbound_auth": "sesame"}, "inbound_auth: is not a mapping"),
    ({"inbound_auth": {}}, "inbound_auth: names no kind; write exactly one of basic, api_key or client_certificate"),
    ({"inbound_auth": {"basic": {}}}, "inbound_auth.basic.users_file: is missing"),
    ({"inbound_auth": {"basic": {"users_file": "nowhere"}}}, "inbound_auth.basic.users_file: is not there"),
    ({"inbound_auth": {"api_key": {"keys_file": "nowhere"}}}, "inbound_auth.api_key.keys_file: is not there"),
    (
        {"inbound_auth": {"api_key": {"field": "Host", "keys_file": "k"}}},
        "inbound_auth.api_key.field: is a field that the proxy",
    ),
    ({"inbound_auth": {"bearer": {}}}, "inbound_auth.…: unknown key; known are api_key, basic, client_certificate"),
    ({"content_types": "sesame"}, 'content_types: "sesame" is not a list'),
    ({"content_types": []}, "content_types: is empty; write at least one"),
    ({"content_types": ["text/*", "*/*"]}, 'content_types[1]: "*/*" is not a valid media type; write one like'),
    ({"rate": "sesame"}, "rate: is not a mapping"),
    ({"rate": {"burst": 5}}, "rate.per_sender: is missing; add it"),
    ({"rate": {"per_sender": "50"}}, 'rate.per_sender: "50" is not a valid rate; write a whole number per'),
    ({"rate": {"per_sender": "5/s", "burst": 0}}, 'rate.burst: "0" is too small; write at least 1'),
    ({"rate": {"per_sener": "sesame", "per_sender": "5/s"}}, "rate.per_sener: unknown key; did you mean"),
    ({"replays": 3}, "…: unknown key; known are allow, "),
    ({"max_concurrency": "many"}, 'max_concurrency: "many" is not a whole number'),
    ({"queue": 3}, "queue: has no effect without max_concurrency; "),
    ({"proxy_url": "https://u:sesame@p"}, "proxy_url: begins with https://; write http://host:port"),
)
def test_what_does_not_fit_is_told_with_its_path(route: Any, told: str) -> None:
    """A value is shown if the option can hold no secret."""
    assert_told(written(route=ROUTE | route), told, at="routes[0].")


def test_all_that_a_route_lacks_is_told() -> None:
    """Path, upstream and OAuth client are what a route is made of."""
    example = "https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com/http/orders"
    assert complaints(written(routes=[{}])) == [
        "proxy.yaml:1: routes[0].path: is missing; write a prefix like /orders",
        f"proxy.yaml:1: routes[0].upstream: is missing; write a URL like {example}",
        "proxy.yaml:1: routes[0].oauth_client: is missing; write the name of one of oauth_clients",
    ]


@cases("upstream", "http://127.0.0.1:80/x", "http://localhost", "http://[::1]/x")
def test_cleartext_to_this_machine_is_admitted(upstream: str) -> None:
    """Nobody listens on the way to loopback."""
    assert understand(written(route=ROUTE | {"upstream": upstream})).routes[0].upstream == upstream


def test_cleartext_beyond_this_machine_needs_the_operator_s_word() -> None:
    """`insecure` admits http://."""
    route = ROUTE | {"upstream": "http://up.example.com", "insecure": True}
    assert understand(written(route=route)).routes[0].insecure


def test_what_a_route_asks_of_senders_is_read() -> None:
    """Media types without case, rates as numbers."""
    options = {
        "content_types": ["Application/XML", "text/*"],
        "rate": {"per_sender": "600/m", "burst": "7"},
        "max_concurrency": 4,
        "queue": 2,
    }
    (route,) = understand(written(route=ROUTE | options)).routes
    assert route.content_types == ("application/xml", "text/*")
    assert route.rate == Rate(per_sender=Frequency(count=600, seconds=60), burst=7)
    assert (route.max_concurrency, route.queue) == (4, 2)
