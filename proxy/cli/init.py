"""`init`: writes a first configuration from answers or options, checks it, and offers to try it."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.cli.columns import tell
from proxy.cli.configuration import FAULTY
from proxy.cli.first_configuration import Setup, encrypted, first_configuration, name_in, upstream_of
from proxy.cli.group import main
from proxy.cli.import_key import hints, keep, read_key, secret_files, write_new
from proxy.config.checked_text import check_client_id, check_name, check_secret
from proxy.config.choices import Provider
from proxy.config.files import MOST_BYTES
from proxy.config.parsed_values import Network, parse_network
from proxy.config.presets import provider_of
from proxy.config.secrets import as_secret, read_secret
from proxy.config.service_key import ServiceKey
from proxy.config.urls import check_token_url
from proxy.observe.log_format import printable

T = TypeVar("T")

PLATFORMS = {"neo": Provider.NEO, "btp": Provider.XSUAA, "other": Provider.GENERIC}
_STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the options say; None is not given."""

    platform: str | None
    key: Path | None
    token_url: str | None
    client_id: str | None
    secret: Path | None
    flow: str | None
    networks: Sequence[Network]
    name: str | None


def checked(check: Callable[[str], T], option: str | None = None) -> Callable[[str], T]:
    """Lets click ask again, or refuse the option, with the check's sentence."""

    def judge(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise click.BadParameter(printable(f"it {error}"), param_hint=option) from None

    return judge


def as_option(check: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Returns a callback that checks an option that is given."""

    def judge(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        return text if text is None else checked(check)(text)

    return judge


def networks_in(text: str) -> list[Network]:
    """Returns the networks, which commas or spaces separate."""
    return [parse_network(each) for each in text.replace(",", " ").split()]


def allowed(_context: click.Context, _option: click.Parameter, texts: Sequence[str]) -> list[Network]:
    """Checks the networks that are given."""
    return checked(networks_in)(",".join(texts))


def token_url(text: str) -> str:
    """Returns the token URL, which is not sent unencrypted."""
    return encrypted(check_token_url(text))


@click.command()
@click.option("--platform", type=click.Choice(list(PLATFORMS)), help="Where the tenant is; else by the token URL.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Service key (BTP); - is standard input.")
@click.option("--token-url", metavar="URL", callback=as_option(token_url), help="Token URL, without a service key.")
@click.option("--client-id", metavar="ID", callback=as_option(check_client_id), help="Client id, likewise.")
@click.option(
    "--client-secret-file",
    "secret",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the client secret, likewise; - is standard input.",
)
@click.option("--flow", metavar="URL", help="The flow's endpoint; with a service key, its path is enough.")
@click.option(
    "--allow",
    "networks",
    multiple=True,
    metavar="CIDR",
    callback=allowed,
    help="A network of senders on other machines.",
)
@click.option("--name", metavar="NAME", callback=as_option(check_name), help="Name of OAuth client and secret files.")
@click.option(
    "--directory",
    default=Path(),
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for proxy.yaml and the secret files; by default the current one.",
)
def command(*, directory: Path, **given: Any) -> None:
    """Write a first configuration, and check it.

    On a terminal, asks for what the options do not say, and offers to run doctor and send. Writes proxy.yaml and
    the secret files, which only their owner can read. Never overwrites a file.
    """
    file = directory / "proxy.yaml"
    asks = sys.stdin.isatty()
    try:
        _refuse(file, Given(**given))
        setup = _setup(Given(**given), ask=asks)
        paths = _write(file, setup)
    except ValueError as error:
        tell(printable(f"Nothing was written: {error}."))
        sys.exit(FAULTY)
    click.echo(printable(f"Written: {', '.join(map(str, [file, *paths]))}."))
    for hint in hints(directory / setup.name, replace(setup.key, url=setup.upstream), paths):
        tell(printable(hint))
    sys.exit(try_out(file, setup.path, ask=asks))


def _refuse(file: Path, given: Given) -> None:
    if file.exists() or file.is_symlink():
        raise ValueError(f"{file} already exists; move it away, or name another folder with --directory")
    alone = {"--token-url": given.token_url, "--client-id": given.client_id, "--client-secret-file": given.secret}
    mixed = [option for option, value in alone.items() if value is not None]
    if given.key and (mixed or given.platform not in (None, "btp")):
        raise ValueError(f"--key has all that {(mixed or ['--platform'])[0]} says, and is of BTP; give one of them")
    if given.key == given.secret == _STANDARD_INPUT:
        raise ValueError("standard input can be only one file")


def missing(given: Given) -> list[str]:
    """Returns the options that cannot be left out."""
    absent = []
    if given.key is None:
        parts = {"--token-url": given.token_url, "--client-id": given.client_id, "--client-secret-file": given.secret}
        absent = [option for option, value in parts.items() if value is None]
        if len(absent) == len(parts) and given.platform in (None, "btp"):
            absent = [f"--key (BTP) or {', '.join(parts)}"]
    return absent if given.flow else [*absent, "--flow"]


def _setup(given: Given, *, ask: bool) -> Setup:
    """Returns the whole; asks for what is missing."""
    if not ask and (absent := missing(given)):
        raise ValueError(f"there is no terminal to ask at; also give {', '.join(absent)}")
    if ask and not (given.platform or given.key or given.token_url):
        given = replace(given, platform=click.prompt("Platform of the tenant", type=click.Choice(list(PLATFORMS))))
    key = _service_key(given)
    flow = checked(lambda text: upstream_of(text, key.url), "--flow")
    if given.flow is not None:
        upstream = flow(given.flow)
    else:
        example = "/http/orders" if key.url else "https://.../http/orders"
        upstream = click.prompt(f"The flow's endpoint, as the monitor shows it ({example})", value_proc=flow)
    networks = given.networks
    if ask and not networks:
        question = "Networks of senders elsewhere, like 10.1.0.0/16 (Enter: only this machine)"
        networks = click.prompt(question, default="", show_default=False, value_proc=checked(networks_in))
    url_says = Provider.XSUAA if given.key else provider_of(key.token_url, with_service_key=False)
    return Setup(
        provider=PLATFORMS[given.platform] if given.platform else url_says,
        key=key,
        upstream=upstream,
        networks=networks,
        name=given.name or name_in(upstream),
    )


def _service_key(given: Given) -> ServiceKey:
    """Returns the service key, or what is given or answered in its place."""
    if given.key:
        return read_key(given.key)
    if given.platform == "btp" and given.token_url is None:
        question = "File with the service key (Enter: there is none)"
        if key := click.prompt(question, default="", show_default=False, value_proc=_key_or_none):
            found: ServiceKey = key
            return found
    url = given.token_url or click.prompt("Token URL", value_proc=checked(token_url))
    client_id = given.client_id or click.prompt("Client id", value_proc=checked(check_client_id))
    return ServiceKey(client_id=client_id, token_url=url, url=None, client_secret=_secret(given.secret))


def _key_or_none(text: str) -> ServiceKey | None:
    try:
        return read_key(Path(text).expanduser()) if text else None
    except ValueError as error:
        raise click.BadParameter(printable(str(error))) from None


def _secret(file: Path | None) -> Any:
    """Returns the secret of the file, or as typed, without echo."""
    if file is None or (file == _STANDARD_INPUT and sys.stdin.isatty()):
        text = click.prompt("Client secret (not shown)", hide_input=True, value_proc=checked(check_secret))
        return as_secret(text.encode(), "the client secret")
    if file == _STANDARD_INPUT:
        origin, secret = "standard input", as_secret(sys.stdin.buffer.read(MOST_BYTES + 1), "standard input")
    else:
        origin, secret = f"the file {file}", read_secret(file)
    try:
        check_secret(secret.get_secret_value())
    except ValueError as error:
        raise ValueError(f"{origin} {error}") from None
    return secret


def _write(file: Path, setup: Setup) -> dict[Path, bool]:
    """Writes the secret files, then the configuration, which has no secret."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the folder {file.parent} cannot be made ({error.strerror})") from None
    secrets = secret_files(setup.name, setup.key)
    paths = keep({file.parent / name: text.encode() for name, text in secrets.items()})
    write_new(file, first_configuration(setup).encode(), mode=0o644)
    return paths


def try_out(file: Path, path: str, *, ask: bool) -> int:
    """Runs `check` and, if wanted, `doctor` and `send`; returns the first exit status that is not 0."""
    if status := _call("check", "-c", str(file)):
        return status
    status = _tried(file, path) if ask else 0
    named = shlex.quote(str(file))
    click.echo("When that is mended:" if status else "Next:")
    for line in (f"doctor -c {named}", f"send {shlex.quote(path)} --data '<order/>' -c {named}", f"run -c {named}"):
        click.echo(f"  cpi-oauth-proxy {line}")
    return status


def _tried(file: Path, path: str) -> int:
    """Runs `doctor`, then `send`, as far as they are wanted and succeed; returns the last exit status."""
    if click.confirm("Run doctor now? It calls no flow", default=True) and (status := _call("doctor", "-c", str(file))):
        return status
    if not click.confirm("Send a message now? The flow runs", default=False):
        return 0
    message = click.prompt("File with the message (Enter: an empty message)", default="", show_default=False)
    return _call("send", path, *(("--file", message) if message else ("--data", "")), "-c", str(file))


def _call(*words: str) -> int:
    """Runs another command, and returns its exit status."""
    try:
        main.main(words, prog_name="cpi-oauth-proxy")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
