"""`import-key`: from a service key to a configuration, with what is secret in files that only their owner reads."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import yaml

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
@click.option("--name", callback=_checked, help="What to call the OAuth client and its files; else from the token URL.")
def command(file: Path, name: str | None) -> None:
    """Make a configuration of a service key.

    The key is read from FILE, a folder of a binding included, or from standard input (-). The configuration is printed,
    and what is secret goes into files beside FILE, which only their owner can read.
    """
    try:
        key = read_key(file)
        name = name or name_of(key)
        paths = keep({file.parent / end: text.encode() for end, text in secret_files(name, key).items()})
    except ValueError as error:
        click.echo(printable(f"Nothing was imported: {error}."), err=True)
        sys.exit(FAULTY)
    click.echo(yaml.safe_dump(configuration(name, key), sort_keys=False, width=1000), nl=False)
    for hint in hints(file.parent / name, key, paths):
        click.echo(printable(hint), err=True)


def read_key(file: Path) -> ServiceKey:
    """The service key in the file, folder or standard input; ValueError is half a sentence and shows nothing of it."""
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
    """The subdomain of the token URL, as far as it can be a name: on BTP it is the subaccount's."""
    label = (urlsplit(key.token_url).hostname or "").partition(".")[0]
    return re.sub(r"^[^a-z]+|[^a-z0-9_-]", "", label) or "tenant"


def secret_files(name: str, key: ServiceKey) -> dict[str, str]:
    """What goes into files, by the files' names."""
    held = {_SECRET: key.client_secret, _CERTIFICATE: key.certificate, _KEY: key.private_key}
    texts = {name + end: secret.get_secret_value() for end, secret in held.items() if secret}
    return {file: text.removesuffix("\n") + "\n" for file, text in texts.items()}


def configuration(name: str, key: ServiceKey) -> dict[str, Any]:
    """The document: the OAuth client and, where the key tells the runtime, a route to all its HTTP flows."""
    client: dict[str, Any] = {
        "provider": Provider.XSUAA.value,
        "token_url": _plain(key.token_url),
        "client_id": _plain(key.client_id),
    }
    if key.client_secret:
        client["client_secret_file"] = name + _SECRET
    else:
        client["token_endpoint_auth_method"] = AuthMethod.TLS_CLIENT_AUTH.value
        client["tls"] = {"cert_file": name + _CERTIFICATE, "key_file": name + _KEY}
    document: dict[str, Any] = {"oauth_clients": {name: client}}
    if key.url:
        document["routes"] = [{"path": "/http", "upstream": _plain(key.url) + "/http", "oauth_client": name}]
    return document


def hints(base: Path, key: ServiceKey, paths: Mapping[Path, bool]) -> Iterator[str]:
    """What to do next; `base` is what the names of the files begin with, `paths` says which others can read."""
    files = ", ".join(map(str, paths))
    yield f"Save the configuration in the same folder as {files}: the paths in it start there."
    for path, is_open in paths.items():
        if is_open:
            yield f"Others can read {path}, which was there already: chmod 600 takes that away."
    if key.certificate and not key.private_key:
        yield f"The service key is an External Certificate, without its key: put that into {base}{_KEY} (mode 0600)."
    if key.url is None:
        yield "The service key names no runtime: add a route whose upstream is the whole URL of the integration flow."
    if is_of_api(key.client_id):
        yield "Its plan is api, for the OData API: to send messages, create a service key of plan integration-flow."


def keep(contents: Mapping[Path, bytes]) -> dict[Path, bool]:
    """Writes each file that is not there yet, and says of each whether others can read it.

    ValueError, before anything is written, if one is there with other content; and if one cannot be written.
    """
    missing = [path for path, content in contents.items() if not _is_kept(path, content)]
    for path in missing:
        _write(path, contents[path])
    return {path: bool(path.stat().st_mode & 0o077) for path in contents}


def _is_kept(path: Path, content: bytes) -> bool:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ValueError(f"the file {path} is there already and cannot be read ({error.strerror})") from None
    if found != content:
        raise ValueError(f"the file {path} is there already with other content, move it away or give another --name")
    return True


def _write(path: Path, content: bytes) -> None:
    """Of mode 0600 from its beginning, and never through a link that somebody else has put there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise ValueError(f"the file {path} cannot be written ({error.strerror})") from None


def _plain(text: str) -> str:
    """As the configuration has it, where `${` begins a variable."""
    return text.replace("${", "$${")
