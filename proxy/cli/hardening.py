"""Warnings of `run` about listeners that anyone can use and secrets that every user can read."""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from proxy.config.model import Configuration
from proxy.observe.logger import Logger


def warn(configuration: Configuration, exposed: Iterable[Path], log: Logger) -> None:
    """Logs a warning for each open listener, each exposed file, and outboxes that nobody can decide about."""
    if detail := unattended(configuration):
        log.warning("outbox.unattended", detail=detail)
    for address in open_listeners(configuration):
        detail = "Anyone who can connect can use your tenant (--insecure-listen)."
        log.warning("listener.opened", listener=address, detail=detail)
    for path in exposed:
        log.warning(
            "secret.exposed",
            file=str(path),
            detail="Every user of this machine can read this file: run chmod o-r on it.",
        )


def unattended(configuration: Configuration) -> str:
    """Returns why nobody can decide about messages of the outboxes; empty if somebody can, or if there are none."""
    address = configuration.admin.address
    if address.loopback or not any(route.outbox for route in configuration.routes):
        return ""
    return (
        f"Dead letters of outboxes cannot be retried or discarded, because other machines can reach the admin address"
        f" {address}. Set `admin` to an address on loopback."
    )


def exposed_files(configuration: Configuration) -> list[Path]:
    """Returns the secret files that every user can read."""
    return list(filter(is_exposed, secret_files(configuration)))


def open_listeners(configuration: Configuration) -> Iterator[str]:
    """Yields the addresses beyond loopback that have no access control on at least one route."""
    unfenced = any(not route.fenced for route in configuration.routes)
    for listener in configuration.listen:
        if unfenced and not (listener.fenced or listener.address.loopback):
            yield str(listener.address)


def secret_files(configuration: Configuration) -> Iterator[Path]:
    """Yields each file that contains a secret, once."""
    found: list[Path | None] = [configuration.admin.token_file]
    for client in configuration.oauth_clients.values():
        found += [client.client_secret_file, client.client_secret_next_file, client.service_key_file]
        found += [client.private_key_file, client.tls.key_file]
    found += [route.tls.key_file for route in configuration.routes]
    found += [listener.tls.key_file for listener in configuration.listen if listener.tls]
    auths = [route.inbound_auth for route in configuration.routes if route.inbound_auth]
    found += [auth.api_key.keys_file for auth in auths if auth.api_key]
    found += [configuration.store.keys_file, configuration.store.password_file]
    yield from dict.fromkeys(path for path in found if path is not None)


def is_exposed(path: Path) -> bool:
    """Whether every user can read the file; False if its mode cannot be read."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & stat.S_IROTH)
