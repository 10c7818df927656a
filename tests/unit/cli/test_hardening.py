"""Listeners that anyone can use, and secrets that every user can read."""

from pathlib import Path

from proxy.cli.hardening import is_exposed, open_listeners, secret_files, unattended
from proxy.config.load import load
from tests.cases import cases

TEXT = """
listen: [{address: "0.0.0.0:8080"}, 127.0.0.1:8081, {address: "[::]:8082", allow: [10.0.0.0/8]}]
oauth_clients:
  orders: {token_url: https://as.example/t, client_id: c, client_secret_file: secret}
routes:
  - {path: /a, upstream: https://t.example/a, oauth_client: orders}
  - {path: /b, upstream: https://t.example/b, oauth_client: orders, allow: [10.0.0.0/8]}
"""


def written(folder: Path, text: str = TEXT, mode: int = 0o600) -> Path:
    """The configuration and its secret."""
    (folder / "secret").write_text("s")
    (folder / "secret").chmod(mode)
    (folder / "proxy.yaml").write_text(text)
    return folder / "proxy.yaml"


def test_open_listeners_are_found(tmp_path: Path) -> None:
    """Beyond loopback, without access control at listener and routes."""
    assert list(open_listeners(load(written(tmp_path), {}, insecure_listen=True))) == ["0.0.0.0:8080"]
    fenced = TEXT.replace("{path: /a,", "{path: /a, allow: [10.0.0.0/8],")
    assert not list(open_listeners(load(written(tmp_path, fenced), {})))


@cases("mode, exposed", (0o600, False), (0o640, False), (0o644, True), (0o604, True))
def test_files_that_every_user_can_read_are_exposed(tmp_path: Path, mode: int, exposed: bool) -> None:
    """One that its group can read is not."""
    (path,) = secret_files(load(written(tmp_path, mode=mode), {}, insecure_listen=True))
    assert is_exposed(path) is exposed
    assert not is_exposed(tmp_path / "nowhere")


def test_the_admin_token_is_a_secret(tmp_path: Path) -> None:
    """Every user could open the console with it."""
    (tmp_path / "token").write_text("t" * 32)
    found = secret_files(load(written(tmp_path, f"{TEXT}admin: {{token_file: token}}\n"), {}, insecure_listen=True))
    assert [path.name for path in found] == ["token", "secret"]


def test_keys_of_senders_are_secrets(tmp_path: Path) -> None:
    """The keys_file of `inbound_auth` is among the secret files."""
    (tmp_path / "keys").write_text("k" * 32)
    auth = "{path: /a, inbound_auth: {api_key: {keys_file: keys}},"
    found = secret_files(load(written(tmp_path, TEXT.replace("{path: /a,", auth)), {}))
    assert [path.name for path in found] == ["secret", "keys"]


@cases(
    "admin, outbox, warned",
    ("0.0.0.0:9901", ", outbox: {}", True),
    ("0.0.0.0:9901", "", False),
    ("127.0.0.1:9901", ", outbox: {}", False),
    ("unix:/tmp/a", ", outbox: {}", False),
)
def test_outboxes_need_an_admin_address_that_decides(tmp_path: Path, admin: str, outbox: str, *, warned: bool) -> None:
    """Beyond loopback it does not."""
    text = TEXT.replace("path: /b,", f"path: /b{outbox},") + f"admin: {admin}\n"
    found = unattended(load(written(tmp_path, text), {}, insecure_listen=True))
    assert (f"the admin address {admin}." in found) is warned
    assert bool(found) is warned
