"""Who can reach which address."""

from ipaddress import ip_network
from pathlib import Path

from proxy.config.exposure import admin_upstreams, open_listeners, shared_addresses
from proxy.config.model import ListenerSettings, ListenerTls, RouteSettings
from proxy.config.parsed_values import Address, Network, parse_address
from proxy.config.problems import Location, Mistake
from tests.cases import cases, grouped_cases
from tests.unit.config.entries import ROUTE, complaints, written


def listener(address: str, *allow: str) -> ListenerSettings:
    """A listener, open to all but for the networks."""
    networks: tuple[Network, ...] = tuple(map(ip_network, allow))
    return ListenerSettings(address=parse_address(address), allow=networks or None)


def findings(
    *listeners: ListenerSettings, unfenced: tuple[str, ...] = ("routes[0]",), insecure_listen: bool = False
) -> list[Mistake]:
    """What is found open."""
    return list(open_listeners(listeners, unfenced, insecure_listen=insecure_listen))


def test_an_open_address_with_an_unfenced_route_is_found() -> None:
    """Anybody could use the route."""
    ((location, text),) = findings(listener("127.0.0.1:1"), listener("0.0.0.0:8080"))
    assert location == ("listen", 1)
    assert text.startswith("0.0.0.0:8080 can be reached from other machines, and anyone could use routes[0]; set")
    assert text.endswith("or `allow` or `inbound_auth` for its routes, or start with --insecure-listen")


def test_only_a_few_of_many_routes_are_named() -> None:
    """The sentence stays short."""
    ((_, text),) = findings(listener("0.0.0.0:1"), unfenced=tuple("abcde"))
    assert "could use a, b, c and 2 more; set" in text


@cases("address", "127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/run/x")
def test_this_machine_is_no_danger(address: str) -> None:
    """Nor are Unix sockets."""
    assert findings(listener(address)) == []


def test_a_fence_at_listener_or_routes_is_enough() -> None:
    """So is the operator's word."""
    assert findings(listener("0.0.0.0:1", "10.0.0.0/8")) == []
    assert findings(listener("0.0.0.0:1"), unfenced=()) == []
    assert findings(listener("0.0.0.0:1"), insecure_listen=True) == []


@cases("client_ca_file, found", (Path("/ca"), 0), (None, 1))
def test_certificates_of_senders_are_a_fence(client_ca_file: Path | None, found: int) -> None:
    """TLS by itself is none."""
    tls = ListenerTls(cert_file=Path("/cert"), client_ca_file=client_ca_file)
    assert len(findings(ListenerSettings(address=parse_address("0.0.0.0:1"), tls=tls))) == found


def test_a_fence_without_a_gate_is_found() -> None:
    """An empty list lets nobody in."""
    ((location, text),) = findings(ListenerSettings(address=Address(host="127.0.0.1", port=1), allow=()))
    assert location == ("listen", 0, "allow")
    assert text.startswith("is empty and admits nobody")


@cases(
    "listen, admin, places",
    (["127.0.0.1:1", "127.0.0.1:2"], "127.0.0.1:3", []),
    (["127.0.0.1:1", "127.0.0.1:1"], "127.0.0.1:3", [("listen", 1)]),
    (["127.0.0.1:1"], "127.0.0.1:1", [("admin",)]),
    (["127.0.0.1:0", "127.0.0.1:0"], "127.0.0.1:0", []),
    (["unix:/a", "unix:/a"], "unix:/a", [("listen", 1), ("admin",)]),
    (["unix:/a"], "127.0.0.1:1", []),
    (["localhost:1"], "127.0.0.1:1", [("admin",)]),
    (["a.example.:1", "A.example:1"], "127.0.0.1:1", [("listen", 1)]),
    (["0.0.0.0:1"], "127.0.0.1:1", [("admin",)]),
    (["[::]:1"], "[::1]:1", [("admin",)]),
    (["[::]:1", "0.0.0.0:1"], "127.0.0.2:2", []),
    (["0.0.0.0:1"], "localhost:1", [("admin",)]),
    (["127.0.0.1:1"], "127.0.0.2:1", []),
    (["192.0.2.1:1"], "localhost:1", []),
)
def test_an_address_has_one_use(listen: list[str], admin: str, places: list[object]) -> None:
    """Port 0 is another port each time."""
    found = shared_addresses([listener(address) for address in listen], parse_address(admin))
    assert [place for place, _ in found] == places


@grouped_cases(
    "admin, found, upstream",
    ("127.0.0.1:9901", True, ["http://127.0.0.1:9901/status", "http://LOCALHOST.:9901"]),
    ("0.0.0.0:9901", True, ["http://127.0.0.1:9901"]),
    ("[::1]:9901", True, ["https://[::1]:9901"]),
    ("[::1]:443", True, ["https://[::1]"]),
    ("127.0.0.1:9901", False, ["http://127.0.0.1:9902", "https://flow.example:9901/x"]),
    ("unix:/run/admin", False, ["http://127.0.0.1:9901"]),
)
def test_a_route_does_not_lead_to_the_admin_address(upstream: str, admin: str, found: bool) -> None:
    """Its senders could change the log level."""
    route = RouteSettings(name="a", path="/a", upstream=upstream, oauth_client="c")
    wrong = [(("routes", 1, "upstream"), f"is the proxy's own admin address, {admin}; write the URL of the flow")]
    routes: list[tuple[Location, RouteSettings | None]] = [(("routes", 0), None), (("routes", 1), route)]
    assert list(admin_upstreams(routes, parse_address(admin))) == (wrong if found else [])


def test_it_is_a_problem_of_the_file() -> None:
    """At the route."""
    (problem,) = complaints(written(admin="127.0.0.1:7", route=ROUTE | {"upstream": "http://127.0.0.1:7/x"}))
    assert problem.startswith("proxy.yaml:1: routes[0].upstream: is the proxy's own admin address, 127.0.0.1:7; ")
