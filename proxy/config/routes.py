"""Resolves routes of the file: gives them names and absolute upstreams, and finds those that are there twice."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from proxy.config.choices import Forwarded
from proxy.config.clients import ResolvedClient
from proxy.config.credentials import Read, check_tls
from proxy.config.document import RouteEntry
from proxy.config.inbound_files import inbound_auth_findings
from proxy.config.model import RouteOptions, RouteSettings
from proxy.config.outbox import outbox_findings
from proxy.config.problems import DocumentSource, Location, Mistake, Problems, spelled
from proxy.config.urls import is_cleartext
from proxy.config.validation import carried_over, nearest

_EXAMPLES = {
    "path": "a prefix like /orders",
    "upstream": "a URL like https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com/http/orders",
    "oauth_client": "the name of one of oauth_clients",
}


def name_of(entry: RouteEntry) -> str:
    """Returns the route's name, by default its path with dashes, `root` for the root."""
    return entry.name or re.sub(r"[^A-Za-z0-9._]+", "-", entry.path or "").strip("-._") or "root"


def resolve_route(
    entry: RouteEntry,
    location: Location,
    registrations: Mapping[str, ResolvedClient | None],
    *,
    read: Read,
    problems: Problems,
) -> RouteSettings | None:
    """Returns the route; None if the problems say why there is none."""
    inbound = inbound_auth_findings(entry.inbound_auth, (*location, "inbound_auth"), read)
    outbox = _outbox_findings(entry, location)
    for place, text in (*_findings(entry, location, registrations, problems.origin), *inbound, *outbox):
        problems.add(place, text)
    check_tls(entry.tls, (*location, "tls"), read, problems)
    registration = registrations.get(entry.oauth_client or "")
    runtime_url = registration.runtime_url if registration else None
    upstream = entry.upstream or ""
    upstream = upstream if "://" in upstream else (runtime_url or "") + upstream
    if is_cleartext(upstream) and not entry.insecure:
        place = (*location, "upstream")
        problems.add(place, "is http:// to another machine; write https:// or set `insecure` to true")
    if entry.path is None or entry.upstream is None or entry.oauth_client is None:
        return None
    return RouteSettings(
        name=name_of(entry),
        path=entry.path,
        upstream=upstream,
        oauth_client=entry.oauth_client,
        secret_set_fields=frozenset(
            name for name in entry.set_fields if (*location, "set_fields", name) in problems.origin.variables
        ),
        **carried_over(entry, RouteOptions),
    )


def repeated(routes: Sequence[tuple[Location, RouteEntry]]) -> Iterator[Mistake]:
    """Yields routes that cannot be distinguished by name or by requests."""
    names: dict[str, Location] = {}
    places: dict[tuple[str | None, str], list[tuple[Location, RouteEntry]]] = {}
    for location, route in routes:
        if route.path is None:
            continue
        name = name_of(route)
        first = names.setdefault(name, location)
        others = places.setdefault((route.host, route.path), [])
        same = next((earlier for earlier, other in others if _overlap(route.methods, other.methods)), None)
        others.append((location, route))
        if same:
            yield (
                (*location, "path"),
                f"matches the same requests as {spelled(same)}; change path, host or methods of one of them",
            )
        elif first is not location:
            yield (*location, "name"), f"is {name}, which is also the name of {spelled(first)}; rename one of them"


def _overlap(some: Collection[str] | None, others: Collection[str] | None) -> bool:
    return some is None or others is None or not set(some).isdisjoint(others)


def _findings(
    entry: RouteEntry,
    location: Location,
    registrations: Mapping[str, ResolvedClient | None],
    origin: DocumentSource,
) -> Iterator[Mistake]:
    """Yields what is wrong with a route by itself and with the OAuth client that it names."""
    for option, example in _EXAMPLES.items():
        if getattr(entry, option) is None:
            yield (*location, option), f"is missing; write {example}"
    name = entry.oauth_client
    if name is not None and registrations and name not in registrations:
        place, usable = (*location, "oauth_client"), [each for each, known in registrations.items() if known]
        yield place, f"{origin.quoted(place)}does not name an OAuth client; {nearest(name, usable)}"
    registration = registrations.get(name or "")
    if registration and not registration.runtime_url and entry.upstream is not None and "://" not in entry.upstream:
        wrong = "is relative, but the OAuth client has no service key with the runtime's url; write the whole URL"
        yield (*location, "upstream"), wrong
    if entry.allow == ():
        yield (*location, "allow"), "is empty and admits nobody; name networks or remove the key"
    if entry.queue and not entry.max_concurrency:
        yield (*location, "queue"), "has no effect without max_concurrency; set that too, or remove it"
    if entry.forwarded is not Forwarded.OFF and any(
        field.lower() == "forwarded" or field.lower().startswith("x-forwarded-") for field in entry.set_fields
    ):
        yield (*location, "set_fields"), "contains a field that `forwarded` sets; remove one of them"
    if len({field.lower() for field in entry.set_fields}) < len(entry.set_fields):
        yield (*location, "set_fields"), "has a field twice, because names are compared without case; remove one"


def _outbox_findings(entry: RouteEntry, location: Location) -> Iterator[Mistake]:
    if entry.outbox is not None:
        api_key = entry.inbound_auth.api_key if entry.inbound_auth else None
        found = outbox_findings(
            entry.outbox,
            methods=entry.methods,
            set_fields=entry.set_fields,
            key_field=api_key.field if api_key else None,
        )
        for option, text in found:
            yield (*location, "outbox", *filter(None, [option])), text
