"""Service keys as folders."""

import json
from pathlib import Path

import pytest

from proxy.config.binding_folder import key_files, read_service_key
from proxy.config.load import load
from proxy.config.secrets import SecretError, read_secret
from proxy.config.service_key import parse_service_key
from tests.cases import cases
from tests.unit.config.entries import KEY_URL, OAUTH, SECRET_KEY, written

EXPECTED = parse_service_key(SECRET_KEY)


def mount(folder: Path, entries: dict[str, str], *, version: str = "..1") -> Path:
    """As Kubernetes does: files of a version, reached through two symlinks."""
    (folder / version).mkdir(parents=True)
    for name, text in entries.items():
        (folder / version / name).write_text(text, encoding="utf-8")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..new").symlink_to(version)
    (folder / "..new").rename(folder / "..data")
    return folder


def wrong_with(path: Path) -> str:
    """Why there is not a service key."""
    with pytest.raises(SecretError) as caught:
        read_service_key(path, read_secret)
    return str(caught.value)


@cases(
    "entries",
    OAUTH,
    {name: text + "\n" for name, text in OAUTH.items()},
    {"oauth": json.dumps(OAUTH)},
    {"credentials": SECRET_KEY},
    {**OAUTH, "type": "it-rt", "tags": "", ".metadata": "{", "plan": "integration-flow"},
)
def test_the_files_of_a_folder_are_a_service_key(tmp_path: Path, entries: dict[str, str]) -> None:
    """Each is an entry, or one is the whole as JSON; others are let alone."""
    folder = mount(tmp_path / "binding", entries)
    assert parse_service_key(read_service_key(folder, read_secret).get_secret_value()) == EXPECTED


def test_a_folder_that_nobody_swaps_will_do(tmp_path: Path) -> None:
    """Its files stand in it."""
    for name, text in OAUTH.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert parse_service_key(read_service_key(tmp_path, read_secret).get_secret_value()) == EXPECTED
    assert set(key_files(tmp_path)) == {tmp_path / name for name in OAUTH}


def test_a_swap_while_it_is_read_mixes_nothing(tmp_path: Path) -> None:
    """All files are of the folder that was the newest at first."""
    folder = mount(tmp_path / "binding", OAUTH)
    files = key_files(folder)
    mount(folder, {**OAUTH, "clientsecret": "another"}, version="..2")
    assert {file.name: file.read_text(encoding="utf-8") for file in files} == OAUTH
    assert key_files(folder) != files


def test_a_file_is_what_it_was(tmp_path: Path) -> None:
    """It is read as any secret is, and so is what is not there."""
    file = tmp_path / "key.json"
    file.write_text(SECRET_KEY, encoding="utf-8")
    assert read_service_key(file, read_secret).get_secret_value() == SECRET_KEY
    assert key_files(file) == (file,)
    assert "No such file or directory" in wrong_with(tmp_path / "missing")
    assert "not a valid path" in wrong_with(tmp_path / "a\0b")


def test_a_folder_without_a_service_key_is_refused(tmp_path: Path) -> None:
    """So is a file in it that cannot be read."""
    assert wrong_with(tmp_path).startswith(f"the folder {tmp_path} has no file of a service key in it")
    (tmp_path / "clientid").mkdir()
    assert wrong_with(tmp_path).startswith(f"the file {tmp_path}/clientid cannot be read (Is a directory)")


def test_the_option_may_name_a_folder(tmp_path: Path) -> None:
    """The upstream is relative to its url."""
    mount(tmp_path / "binding", OAUTH)
    (tmp_path / "proxy.yaml").write_text(
        written(
            client={"service_key_file": "binding"}, route={"path": "/", "upstream": "/http/x", "oauth_client": "a"}
        ),
        encoding="utf-8",
    )
    configuration = load(tmp_path / "proxy.yaml", {})
    assert configuration.oauth_clients["a"].client_id == "sb-1"
    assert configuration.routes[0].upstream == f"{KEY_URL}/http/x"
