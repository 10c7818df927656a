"""`import-key`: makes a configuration from a service key, with its secrets in files that only their owner can read."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import yaml

from proxy.cli.columns import tell
from proxy.cli.configuration import FAULTY
from proxy.config.binding_folder import read_service_key
from proxy.config.checked_text import check_name
from proxy.config.choices import AuthMethod, Provider
from proxy.config.files import MOST_BYTES
from proxy.config.secrets import as_secret, read_secret
from proxy.config.service_key import ServiceKey, parse_service_key
from proxy.cpi.roles import is_of_api
from proxy.observe.log_format import printable

_STANDARD_INPUT = Path("-")
_SECRET, _CERTIFICATE, _KEY = "-secret", "-cert.pem", "-key.pem"


def _checked(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    del context, option
    try:
        return name if name is None else check_name(name)
    except ValueError as error:
        raise click.BadParameter(f"it {error}") from None


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name",
    callback=_checked,
    metavar="NAME",
    help="Name of the OAuth client and its files; by default, from the token URL.",
)
def command(file: Path, name: str | None) -> None:
    """Make a configuration from a service key.

    FILE is the service key, the folder of a service binding, or - for standard input. The configuration is printed;
    its secrets are written to files beside FILE that only their owner can read.
    """
    try:
        key = read_key(file)
        name = name or name_of(key)
        paths = keep({file.parent / end: text.encode() for end, text in secret_files(name, key).items()})
    except ValueError as error:
        tell(printable(f"Nothing was imported: {error}."))
        sys.exit(FAULTY)
    click.echo(yaml.safe_dump(configuration(name, key), sort_keys=False, width=1000), nl=False)
    files = ", ".join(map(str, paths))
    place = f"Save the configuration in the same folder as {files}: its paths are relative to that folder."
    tell(printable(place))
    for hint in hints(file.parent / name, key, paths):
        tell(printable(hint))


def read_key(file: Path) -> ServiceKey:
    """Reads the service key; the text of the ValueError is half a sentence and contains nothing of the key."""
    if file == _STANDARD_INPUT:
        origin = "standard input"
        text = as_secret(sys.stdin.buffer.read(MOST_BYTES + 1), origin)
    else:
        origin = f"the file {file}"
        text = read_service_key(file, read_secret)
    try:
        return parse_service_key(text.get_secret_value())
    except ValueError as error:
        raise ValueError(f"{origin} {error}") from None


def name_of(key: ServiceKey) -> str:
    """Returns the characters of the token URL's subdomain that a name may have; on BTP it is the subaccount's."""
    label = (urlsplit(key.token_url).hostname or "").partition(".")[0]
    return re.sub(r"^[^a-z]+|[^a-z0-9_-]", "", label) or "tenant"


def secret_files(name: str, key: ServiceKey) -> dict[str, str]:
    """Returns the contents of the secret files by name."""
    held = {_SECRET: key.client_secret, _CERTIFICATE: key.certificate, _KEY: key.private_key}
    texts = {name + end: secret.get_secret_value() for end, secret in held.items() if secret}
    return {file: text.removesuffix("\n") + "\n" for file, text in texts.items()}


def configuration(name: str, key: ServiceKey) -> dict[str, Any]:
    """Returns the document: the OAuth client and, if the key names the runtime, a route to all its HTTP flows."""
    document: dict[str, Any] = {"oauth_clients": {name: oauth_client(name, key, Provider.XSUAA)}}
    if key.url:
        document["routes"] = [route("/http", key.url + "/http", name)]
    return document


def oauth_client(name: str, key: ServiceKey, provider: Provider) -> dict[str, Any]:
    """Returns the options of the OAuth client, which name its secret files."""
    client: dict[str, Any] = {
        "provider": provider.value,
        "token_url": _plain(key.token_url),
        "client_id": _plain(key.client_id),
    }
    if key.client_secret:
        client["client_secret_file"] = name + _SECRET
    else:
        client["token_endpoint_auth_method"] = AuthMethod.TLS_CLIENT_AUTH.value
        client["tls"] = {"cert_file": name + _CERTIFICATE, "key_file": name + _KEY}
    return client


def route(path: str, upstream: str, name: str) -> dict[str, Any]:
    """Returns the options of a route."""
    return {"path": _plain(path), "upstream": _plain(upstream), "oauth_client": name}


def hints(base: Path, key: ServiceKey, paths: Mapping[Path, bool]) -> Iterator[str]:
    """Yields what is left to do; `base` begins the files' paths, `paths` says which ones others can read."""
    for path, is_open in paths.items():
        if is_open:
            yield f"Others can read {path}, which already existed: run chmod 600 on it."
    if key.certificate and not key.private_key:
        yield f"The service key is an External Certificate without a key: put that into {base}{_KEY} (mode 0600)."
    if key.url is None:
        yield "The service key names no runtime: add a route with the full URL of the integration flow as upstream."
    if is_of_api(key.client_id):
        yield "Its plan is api, for the OData API only: to send messages, use a service key with plan integration-flow."


def keep(contents: Mapping[Path, bytes]) -> dict[Path, bool]:
    """Writes each file that does not exist with mode 0600, and returns for each whether others can read it.

    ValueError, before anything is written, if one exists with other content; also if one cannot be written.
    """
    missing = [path for path, content in contents.items() if not _is_kept(path, content)]
    for path in missing:
        write_new(path, contents[path])
    return {path: bool(path.stat().st_mode & 0o077) for path in contents}


def _is_kept(path: Path, content: bytes) -> bool:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ValueError(f"the file {path} already exists and cannot be read ({error.strerror})") from None
    if found != content:
        raise ValueError(f"the file {path} already exists with other content; move it away or give another --name")
    return True


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Creates the file; ValueError if it exists. Never follows a link that another user has placed there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise ValueError(f"the file {path} cannot be written ({error.strerror})") from None


def _plain(text: str) -> str:
    """Escapes `${`, which begins a variable in the configuration."""
    return text.replace("${", "$${")
