"""The configuration of one route by environment variables, if there is no file."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from proxy.config.problems import DocumentSource, Location, Problems
from proxy.config.redaction import FURTHER
from proxy.config.vcap import has_runtime

_CLIENT: Location = ("oauth_clients", "default")
_ROUTE: Location = ("routes", 0)
_OPTIONS: dict[str, tuple[Location, ...]] = {
    "CPI_UPSTREAM": ((*_ROUTE, "upstream"),),
    "CPI_TOKEN_URL": ((*_CLIENT, "token_url"),),
    "CPI_CLIENT_ID": ((*_CLIENT, "client_id"),),
    "CPI_CLIENT_SECRET": ((*_CLIENT, "client_secret"),),
    "CPI_CLIENT_SECRET_FILE": ((*_CLIENT, "client_secret_file"),),
    "CPI_SERVICE_KEY": ((*_CLIENT, "service_key"),),
    "CPI_SERVICE_KEY_FILE": ((*_CLIENT, "service_key_file"),),
    "CPI_LISTEN": (("listen",),),
    "CPI_ADMIN": (("admin",),),
    "CPI_ALLOW": ((*_ROUTE, "allow"),),
    "CPI_CA_FILE": (("ca_file",),),
}
_ENOUGH = [name for name in _OPTIONS if name not in {"CPI_LISTEN", "CPI_ADMIN", "CPI_ALLOW", "CPI_CA_FILE"}]
_CREDENTIALS = [name for name in _ENOUGH if name != "CPI_UPSTREAM"]
_LISTS = {"CPI_LISTEN", "CPI_ALLOW"}
_BINDINGS = "VCAP_SERVICES"
"Set by Cloud Foundry, and used like CPI_SERVICE_KEY."


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], Problems] | None:
    """Returns the document that the variables mean; None if none of them names an upstream or an OAuth client.

    An empty variable counts as unset. With a service key the default upstream is the key's whole runtime. An
    application that Cloud Foundry has bound to Process Integration Runtime has the binding's key, unless a variable
    names credentials.
    """
    is_bound = not any(environ.get(name) for name in _CREDENTIALS) and has_runtime(environ.get(_BINDINGS, ""))
    if not is_bound and not any(environ.get(name) for name in _ENOUGH):
        return None
    tree: dict[str, Any] = {
        "oauth_clients": {"default": {}},
        "routes": [{"path": "/", "oauth_client": "default"}],
    }
    lines: dict[Location, int] = {}
    names = {str(places[0][-1]): name for name, places in _OPTIONS.items()}
    for name, places in _OPTIONS.items():
        if text := environ.get(name):
            for place in places:
                _put(tree, place, [item.strip() for item in text.split(",")] if name in _LISTS else text)
                lines[place] = 0
    if is_bound:
        _put(tree, (*_CLIENT, "service_key"), environ[_BINDINGS])
        names["service_key"] = _BINDINGS
    if is_bound or environ.get("CPI_SERVICE_KEY") or environ.get("CPI_SERVICE_KEY_FILE"):
        tree["routes"][0].setdefault("upstream", "/")
    misspelt = dict(_misspelt(environ))
    problems = Problems(
        DocumentSource(file="environment", lines=lines, names=names | {name: name for name in misspelt})
    )
    for name, meant in misspelt.items():
        problems.add((name,), f"unknown variable; did you mean {meant}?")
    return tree, problems


def _misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields misspelt variables; others may belong to other programs (Kubernetes sets CPI_PORT)."""
    unset = [name for name in _OPTIONS if not environ.get(name)]
    for name in environ:
        if name.startswith("CPI") and name not in _OPTIONS:
            for meant in get_close_matches(name, unset, n=1, cutoff=0.85):
                if abs(len(name) - len(meant)) <= FURTHER:  # else there may be a secret in it
                    yield name, meant


def _put(tree: Any, place: Location, value: Any) -> None:
    for step in place[:-1]:
        tree = tree[step]
    tree[place[-1]] = value
