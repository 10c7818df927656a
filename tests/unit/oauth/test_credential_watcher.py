"""The secret files of an OAuth client are watched."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from proxy.config.file_threads import FileThreads
from proxy.config.model import AuthMethod, OAuthClient, Tls
from proxy.oauth.credential_watcher import CredentialWatcher
from proxy.oauth.credentials import followed_files, with_secrets
from tests.cases import cases
from tests.fakes.looks import Looks
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import Lines


@asynccontextmanager
async def following(
    client: OAuthClient, *, threads: FileThreads | None = None
) -> AsyncIterator[tuple[Looks, list[OAuthClient], Lines]]:
    """Yields what lets it look, the clients it reported, and its log."""
    looks, told, log = Looks(), list[OAuthClient](), Lines()
    watcher = await asyncio.to_thread(CredentialWatcher, client, log=log, sleep=looks.sleep, threads=threads)
    watcher.start(told.append)
    await looks.first()
    yield looks, told, log
    await watcher.close()


def secret_of(client: OAuthClient) -> str | None:
    """The secret, in clear."""
    return None if client.client_secret is None else client.client_secret.get_secret_value()


def write(path: Path, text: str | None, *, changed: int | None = None) -> None:
    """With None remove it; `changed` is the time that it then bears."""
    if text is None:
        path.unlink()
        return
    path.write_text(text)
    if changed is not None:
        os.utime(path, (changed, changed))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Hold the secret `one`."""
    path = tmp_path / "secret"
    path.write_text("one\n")
    return path


def client_with(file: Path, secret: str | None = "one") -> OAuthClient:
    """A client whose secret is in the file."""
    return registration(client_secret=None if secret is None else SecretStr(secret), client_secret_file=file)


async def test_the_client_has_the_secret_of_its_file(file: Path) -> None:
    """It is read at construction."""
    client = client_with(file, "zero")
    watcher = await asyncio.to_thread(CredentialWatcher, client, log=Lines())
    assert secret_of(watcher.client) == "one"


async def test_kubernetes_swaps_a_volume(tmp_path: Path) -> None:
    """A symlink of a directory is replaced."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "secret").write_text(version)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "secret").symlink_to("..data/secret")
    async with following(client_with(tmp_path / "secret")) as (looks, told, _):
        (tmp_path / "..tmp").symlink_to("two")
        (tmp_path / "..tmp").rename(tmp_path / "..data")
        await looks.another()
    assert list(map(secret_of, told)) == ["two"]


@cases("is_swapped", True, False)
async def test_a_service_key_may_be_a_folder(tmp_path: Path, is_swapped: bool) -> None:
    """Its files change at once, or one by one."""
    entries = {"clientid": "sb-1", "clientsecret": "one", "tokenurl": "https://t.example/oauth/token"}
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        for name, text in {**entries, "clientsecret": version}.items():
            (tmp_path / version / name).write_text(text)
    (tmp_path / "one" / "..data").symlink_to("../one")
    client = registration(client_secret=SecretStr("one"), service_key_file=tmp_path / "one")
    async with following(client) as (looks, told, _):
        await looks.another()
        assert told == []
        if is_swapped:
            (tmp_path / "..tmp").symlink_to("../two")
            (tmp_path / "..tmp").rename(tmp_path / "one" / "..data")
        else:
            write(tmp_path / "one" / "clientsecret", "two\n")
        await looks.another()
        await looks.another()
    assert list(map(secret_of, told)) == ["two"]


@cases("how", "missing", "empty")
async def test_a_file_that_cannot_be_read_is_looked_at_again(file: Path, how: str) -> None:
    """It is logged without its content."""
    async with following(client_with(file)) as (looks, told, log):
        write(file, None if how == "missing" else "\n")
        await looks.another()
        assert told == []
        write(file, "two")
        await looks.another()
    assert list(map(secret_of, told)) == ["two"]
    reason = {"missing": "FileNotFoundError", "empty": "SecretError"}[how]
    assert log.all == [("secret.unreadable", {"oauth_client": "orders", "reason": reason})]


@cases("option", "cert_file", "ca_file")
async def test_a_new_certificate_is_told_though_no_secret_changed(tmp_path: Path, option: str) -> None:
    """Connections read it when they are made."""
    pem = tmp_path / "file.pem"
    pem.write_text("one")
    client = registration(token_endpoint_auth_method=AuthMethod.TLS_CLIENT_AUTH, tls=Tls(**{option: pem}))
    async with following(client) as (looks, told, _):
        assert told == []
        pem.write_text("two")
        await looks.another()
    assert told == [client]


async def test_a_client_without_files_is_not_watched() -> None:
    """It never looks."""
    looks = Looks()
    watcher = CredentialWatcher(registration(), log=Lines(), sleep=looks.sleep)
    watcher.start(lambda _: None)
    await watcher.close()
    assert looks.pauses == []


def test_the_files_of_a_client_are_all_that_its_grants_need(tmp_path: Path) -> None:
    """Secrets, keys, certificate, service key and authorities."""
    names = ("a", "b", "c", "d", "e", "f", "g")
    a, b, c, d, e, f, g = (tmp_path / name for name in names)
    client = registration(
        client_secret_file=a,
        client_secret_next_file=b,
        private_key_file=c,
        tls=Tls(cert_file=d, key_file=e, ca_file=g),
        service_key_file=f,
    )
    assert followed_files(client) == (a, b, c, d, e, f, g)


def test_secrets_are_read_into_the_client(tmp_path: Path) -> None:
    """But for one line end."""
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(f" {name}ä \n")
    client = registration(
        client_secret_file=tmp_path / "a", client_secret_next_file=tmp_path / "b", private_key_file=tmp_path / "c"
    )
    read = with_secrets(client)
    found = (read.client_secret, read.client_secret_next, read.private_key)
    assert [each and each.get_secret_value() for each in found] == [" aä ", " bä ", " cä "]


async def test_a_file_that_hangs_or_is_too_large_is_logged_with_its_name(file: Path) -> None:
    """The secret before stays in use."""
    async with following(client_with(file), threads=FileThreads(limit=0.05)) as (looks, told, log):
        write(file, "x" * ((1 << 20) + 1))
        await looks.another()
        file.unlink()
        os.mkfifo(file)
        await looks.another()
    os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))  # what hangs reads nothing
    assert told == []
    assert [fields["reason"] for fields in log.named("secret.unreadable")] == [
        f"the file {file} is larger than 1 MiB; name the right one",
        f"the file {file} did not answer within 0.05 s",
    ]
