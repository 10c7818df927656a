"""Turns what was written into the configuration: applies all rules, and reports all problems at once."""

import secrets
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from proxy.config.admin_token import check_admin_token
from proxy.config.checked_text import check_name
from proxy.config.clients import ResolvedClient, register
from proxy.config.credentials import Read, check_file, check_listener_tls
from proxy.config.document import General, OAuthClientEntry, RouteEntry
from proxy.config.exposure import (
    admin_upstreams,
    lists_without_effect,
    open_listeners,
    shared_addresses,
    unasked_certificates,
)
from proxy.config.model import Configuration, OAuthClient, Options, RouteSettings
from proxy.config.pem import check_authorities
from proxy.config.problems import Location, Problems
from proxy.config.routes import repeated, resolve_route
from proxy.config.validation import carried_over, nearest, validated

T = TypeVar("T", OAuthClient, RouteSettings)

_PARTS = ("oauth_clients", "routes")
_FENCES = {"allow", "inbound_auth"}
"Options that restrict who may use a route."


@cache
def instance_name() -> str:
    """Returns a name for Via that is unique to the process and reveals nothing of the machine."""
    return f"cpi-oauth-proxy-{secrets.token_hex(4)}"


def resolve(
    tree: Mapping[str, Any], problems: Problems, *, folder: Path, read: Read, insecure_listen: bool
) -> Configuration:
    """Returns the configuration; raises ConfigurationError with all problems, the given ones included.

    Relative paths start at the folder. An unrestricted listener is a problem unless `insecure_listen` permits it.
    """
    general = _general(tree, problems, folder)
    for index, listener in enumerate(general.listen):
        if listener.tls:
            check_listener_tls(listener.tls, ("listen", index, "tls"), read, problems)
    if general.ca_file:
        check_file(("ca_file",), general.ca_file, check_authorities, read, problems)
    if general.admin.token_file:
        check_file(("admin", "token_file"), general.admin.token_file, check_admin_token, read, problems)
    registrations = dict(_registrations(tree.get("oauth_clients"), problems, folder, read))
    entries = list(_entries(tree.get("routes"), problems, folder))
    routes = [resolve_route(entry, at, registrations, read=read, problems=problems) for at, entry in entries]
    findings = [
        *repeated(entries),
        *open_listeners(
            general.listen,
            _unfenced(tree.get("routes")),
            insecure_listen=insecure_listen,
            made_of_variables=problems.origin.made_of_variables,
        ),
        *shared_addresses(general.listen, general.admin.address),
        *admin_upstreams([(at, route) for (at, _), route in zip(entries, routes, strict=True)], general.admin.address),
        *lists_without_effect(general.listen, entries),
        *unasked_certificates(general.listen, entries),
    ]
    for location, text in findings:
        problems.add(location, text)
    problems.end()
    return Configuration(
        listen=general.listen,
        admin=general.admin,
        via=general.via or instance_name(),
        oauth_clients={name: _trusting(found.client, general) for name, found in registrations.items() if found},
        routes=tuple(_trusting(route, general) for route in routes if route),
        **carried_over(general, Options),
    )


def _trusting(part: T, general: General) -> T:
    """Returns the OAuth client or route with the authorities of the top level, unless it names its own."""
    return part.model_copy(update={"tls": part.tls.trusting(general.ca_file)})


def _general(tree: Mapping[str, Any], problems: Problems, folder: Path) -> General:
    known = {*General.model_fields, *_PARTS}
    for key in tree:
        if key not in known:
            problems.add((key,), f"unknown key; {nearest(key, known)}")
    rest = {key: value for key, value in tree.items() if key in General.model_fields}
    return validated(General, rest, (), problems, folder=folder) or General()


def _registrations(
    written: Any, problems: Problems, folder: Path, read: Read
) -> Iterator[tuple[str, ResolvedClient | None]]:
    if not written or not isinstance(written, Mapping):
        problems.add(("oauth_clients",), "there is no OAuth client; write at least one as name: {token_url: …}")
        return
    for name, item in written.items():
        location: Location = ("oauth_clients", name)
        try:
            check_name(name)
        except ValueError as error:
            problems.add(location, str(error))
        entry = validated(OAuthClientEntry, item, location, problems, folder=folder)
        found = register(entry, location, written=item, read=read, problems=problems) if entry else None
        yield name, found


def _entries(written: Any, problems: Problems, folder: Path) -> Iterator[tuple[Location, RouteEntry]]:
    if not written or not isinstance(written, list):
        problems.add(("routes",), "there is no route; write at least one, and begin it with `- path: /orders`")
        return
    for index, item in enumerate(written):
        location: Location = ("routes", index)
        if entry := validated(RouteEntry, item, location, problems, folder=folder):
            yield location, entry


def _unfenced(written: Any) -> list[str]:
    """Returns the routes that anyone can use, by index, because a wrong file may leave them without names."""
    routes = enumerate(written) if isinstance(written, list) else ()
    return [
        f"routes[{index}]" for index, item in routes if isinstance(item, Mapping) and item.keys().isdisjoint(_FENCES)
    ]
