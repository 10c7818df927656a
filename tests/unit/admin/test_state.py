"""Readiness and status of a state."""

from types import SimpleNamespace
from typing import Any

from proxy import __version__
from proxy.admin.state import reasons_not_ready, status_of
from tests.cases import cases
from tests.unit.admin.states import blocked, state, waiting


@cases(
    "changes, reasons",
    ({}, []),
    ({"draining": True}, ["draining"]),
    ({"is_open": False}, ["the addresses for senders are not open yet"]),
    ({"sources": {"neo": blocked()}}, ["OAuth client neo has no token and cannot get one"]),
    ({"sources": {"neo": waiting()}}, ["OAuth client neo waits for its first token"]),
    (
        {"draining": True, "sources": {"neo": blocked()}},
        ["draining", "OAuth client neo has no token and cannot get one"],
    ),
)
def test_each_reason_against_readiness_is_named(changes: dict[str, Any], reasons: list[str]) -> None:
    """Without one it is ready."""
    assert reasons_not_ready(state(**changes)) == reasons


def test_a_time_is_there_as_a_number_and_in_rfc_3339() -> None:
    """In UTC, to the second."""
    clients = status_of(state(sources={"neo": blocked(expires=1_800_000_000.7)}))["oauth_clients"]
    assert (clients["neo"]["expires"], clients["neo"]["expires_at"]) == (1_800_000_000.7, "2027-01-15T08:00:00Z")


def test_the_status_names_routes_clients_and_upstreams() -> None:
    """A client without a token has its failure."""
    route = SimpleNamespace(name="a", path="/a", host="", upstream="https://u", oauth_client="neo", drop_fields=())
    pool = SimpleNamespace(origin="https://u:443", idle=1, leased=2)
    assert status_of(state(routes=[route], sources={"neo": blocked()}, pools=[pool])) == {
        "version": __version__,
        "draining": False,
        "connections": 0,
        "in_flight": 0,
        "routes": [{"name": "a", "path": "/a", "host": "", "upstream": "https://u", "oauth_client": "neo"}],
        "oauth_clients": {
            "neo": {"freshness": "none", "expires": None, "expires_at": None, "grants": {}, "failure": "grant_rejected"}
        },
        "upstreams": [{"origin": "https://u:443", "idle": 1, "leased": 2}],
    }
