"""What must not be in anything that a proxy writes, as far as a test has brought it in; and what it has written."""

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from tests.flow.running import Running

SHORTEST = 6
"Characters of what is looked for: what is shorter is anywhere."
_CREDENTIALS = re.compile(
    rb"(?im)^(?:authorization|proxy-authorization|cookie|mysapsso2|sap-r3auth|x-api-key|x-csrf-token)"
    rb"[ \t]*:[ \t]*([^\r\n]+)"
)
_QUERIES = re.compile(rb"(?m)^\S+ [^\s?]*\?(\S+) HTTP/")
_BODIES = re.compile(rb"\r\n\r\n([^\r]{1,64})")
_TOKENS = re.compile(r"eyJ[\w-]{8,}\.[\w-]*|\b(?:token-\d|orders-token|invoices-token)\b")
"Those of the tenant, of the authority, and of the fences' two OAuth clients."


@lru_cache(10_000)  # many tests have the same
def disguises(canary: str) -> tuple[str, ...]:
    """The canary as it is, in base64 at each of the three offsets, percent-encoded in two ways, in hexadecimal."""
    return tuple(_disguises(canary))


def _disguises(canary: str) -> Iterator[str]:
    octets = canary.encode("utf-8", "surrogateescape")
    yield canary
    yield quote(octets, safe="")
    yield "".join(f"%{octet:02X}" for octet in octets)
    yield octets.hex()
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + octets).decode()
        # what stands beside the canary changes the letters at both ends
        inner = whole[-(-offset * 8 // 6) : len(whole) - 4 if (offset + len(octets)) % 3 else len(whole)]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def found(canaries: Iterable[str], text: str) -> list[str]:
    """The canaries that are in the text, in any disguise."""
    return [canary for canary in canaries if any(each in text for each in disguises(canary))]


def configured(part: Any) -> Iterator[str]:
    """The secrets of a configuration."""
    if isinstance(part, SecretStr):
        yield part.get_secret_value()
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from configured(getattr(part, name))
    elif isinstance(part, dict):
        for each in part.values():
            yield from configured(each)
    elif isinstance(part, (tuple, list)):
        for each in part:
            yield from configured(each)


def shown(octets: bytes) -> Iterator[str]:
    """What a sender has shown of itself in these octets: credentials, cookies, queries, and how its bodies begin."""
    for pattern in (_CREDENTIALS, _QUERIES, _BODIES):
        for value in pattern.findall(octets):
            yield value.decode("latin-1").strip()


def canaries_of(running: "Running") -> list[str]:
    """All that is known; what has few different letters is no canary."""
    known = {*configured(running.app.configuration), running.app.admin.access.token or ""}
    for source in running.app.state().sources.values():
        token: Any = getattr(source, "_token", None)
        if token is not None:
            known.add(token.authorization.decode().removeprefix("Bearer "))
    for sender in running.senders:
        known |= {*shown(bytes(sender.sent))}
    return sorted(each for each in known if len(each) >= SHORTEST and len(set(each)) >= SHORTEST - 2)


def representations(running: "Running") -> str:
    """What would be shown of each part by a debugger, or by a careless log line."""
    app: Any = running.app
    sources = app.state().sources
    failures = [source.failure for source in sources.values()]
    tokens = [getattr(source, "_token", None) for source in sources.values()]
    units = [route.csrf._unit for route in app._generation.context.routes]
    authenticators = [route.authenticator for route in app._generation.context.routes]
    errors = [f"{failure.error!r} {failure.error} {failure.error.args}" for failure in failures if failure]
    parts = [
        app.configuration,
        sources,
        failures,
        tokens,
        units,
        authenticators,
        app.pools,
        list(app.senders),
        app.listeners,
        app.admin,
        app.admin.access,
        app.admin.token,
    ]
    parts += [getattr(source, "_granting", None) for source in sources.values()]
    return "\n".join([*map(repr, parts), *errors])


def leaks(running: "Running", **others: str) -> dict[str, list[str]]:
    """Canaries by where they were found: nowhere, if all is well."""
    problems = [each for sender in running.senders for each in sender.problems]
    answers = [part for each in problems for part in (each.body, *map(b": ".join, each.fields))]
    written = {
        "log": "\n".join(running.lines.text),
        "answers": b"\n".join(answers).decode("latin-1"),
        "admin": "\n".join(running.pages),
        "representations": "\n".join(running.representations),
        **others,
    }
    canaries = canaries_of(running)
    everywhere = {name: [*found(canaries, text), *_TOKENS.findall(text)] for name, text in written.items()}
    return {name: each for name, each in everywhere.items() if each}
