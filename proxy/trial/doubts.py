"""What is valid in a configuration, but probably not meant: pure functions over values.

Only what SAP's documentation or a standard rules out is doubted; the proxy runs with it all the same.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from proxy.config.model import Configuration, OAuthClient, RouteSettings
from proxy.config.problems import Location, Mistake
from proxy.cpi.roles import is_of_api

_ADAPTERS = re.compile(r"/(?:http|cxf|gw|as2)(?:/|$)")
"Paths of flows (SAP Help, Application URLs)."
_DESIGN_TIME = (
    (re.compile(r"[^.]+-tmn\.hci[a-z]*\..+"), "-iflmap"),
    (re.compile(r"[^.]+\.it-cpi\w*\.cfapps\..+"), "-rt"),
)
"Hosts that run no flows, on Neo and on Cloud Foundry, and what their runtime's host has (SAP Help, Stable URL)."
_NEO_HOST, _NEO_PATH = "oauthasservices-", "/oauth2/api/v1/token"
_XSUAA_HOST = re.compile(r"[^.]+\.authentication\..+\.(?:hana\.ondemand\.com|platform\.sapcloud\.cn)")


def doubts(configuration: Configuration, tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yields what is probably not meant; `tree` is the document that the configuration was made of."""
    for name, client in configuration.oauth_clients.items():
        for options, text in client_doubts(client, configuration):
            written = tree["oauth_clients"][name]
            option = next(each for each in (*options, "service_key_file", "service_key") if each in written)
            yield ("oauth_clients", name, option), text
    for index, route in enumerate(configuration.routes):
        for option, text in route_doubts(route):
            yield ("routes", index, option), text
    yield from _networks(tree)


def client_doubts(client: OAuthClient, configuration: Configuration) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields (the options that may be meant, what is in doubt)."""
    upstreams = [route.upstream for route in configuration.routes if route.oauth_client == client.name]
    if is_of_api(client.client_id) and any(_is_of_flows(upstream) for upstream in upstreams):
        text = "is of plan api, which is for the OData API and cannot send messages; use a key of plan integration-flow"
        yield ("client_id",), text
    parts = urlsplit(client.token_url)
    host = parts.hostname or ""
    if host.startswith(_NEO_HOST) and parts.path.rstrip("/") != _NEO_PATH:
        yield ("token_url",), f"is not the token endpoint of Neo; write https://{host}{_NEO_PATH}"
    if _XSUAA_HOST.fullmatch(host) and parts.path in ("", "/"):
        yield ("token_url",), f"is not the token endpoint of BTP; write https://{host}/oauth/token"
    for option in ("client_secret", "client_secret_next"):
        secret = getattr(client, option)
        if secret is not None and secret.get_secret_value() != secret.get_secret_value().strip():
            text = "begins or ends with white space, which is sent too; remove it if it is left from copying"
            yield (f"{option}_file", option), text


def route_doubts(route: RouteSettings) -> Iterator[tuple[str, str]]:
    """Yields (the option, what is in doubt)."""
    if has := _runtime_host(route.upstream):
        yield "upstream", f"leads to the design time of the tenant, which runs no flows; the runtime's host has {has}"


def _is_of_flows(upstream: str) -> bool:
    return _ADAPTERS.match(urlsplit(upstream).path) is not None


def _runtime_host(upstream: str) -> str:
    """Returns what the right host would have, if flows are expected where there are none."""
    host = urlsplit(upstream).hostname or ""
    found = (has for pattern, has in _DESIGN_TIME if pattern.fullmatch(host))
    return next(found, "") if _is_of_flows(upstream) else ""


def _networks(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yields addresses in lists of networks that are addresses of whole networks."""
    listen = tree.get("listen")
    places: list[tuple[Location, Any]] = [(("trusted_proxies",), tree.get("trusted_proxies"))]
    for part, items in (("listen", listen if isinstance(listen, list) else [listen]), ("routes", tree["routes"])):
        allowed = (each.get("allow") if isinstance(each, Mapping) else None for each in items)
        places += [((part, index, "allow"), each) for index, each in enumerate(allowed)]
    for location, networks in places:
        for index, text in enumerate(networks or ()):
            if network := _network(str(text)):
                wrong = f"is one address, {text}; write {network} if the network is meant"
                yield (*location, index), wrong


def _network(text: str) -> str:
    """Returns the network that an address without a length is the first of; nothing if it can be a sender's address.

    An IPv6 address whose last half is zero belongs to routers (RFC 4291 §2.6.1).
    """
    if "/" in text:
        return ""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        return "" if int(address) & ((1 << 64) - 1) else f"{address}/{64 if int(address) else 0}"
    zeros = len(address.packed) - len(address.packed.rstrip(b"\0"))
    return f"{address}/{8 * (4 - zeros)}" if zeros else ""
