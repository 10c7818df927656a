"""The file of a running proxy's token."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy.admin.token_place import TokenFolder, find_tokens, remove_token, token_file_name, token_places, write_token
from proxy.config.model import Address
from tests.cases import cases

ADDRESS = Address(host="127.0.0.1", port=9901)
NAME = token_file_name(ADDRESS)
TOKEN, OTHER = "0123456789abcdef-1", "0123456789abcdef-2"
OWN = f"cpi-oauth-proxy-{os.geteuid()}"


@cases(
    "environ, store, folders",
    ({}, None, [f"/tmp/{OWN}"]),
    ({"TMPDIR": "/var/tmp"}, None, [f"/var/tmp/{OWN}"]),
    ({"TMPDIR": "tmp"}, None, [f"/tmp/{OWN}"]),
    ({"RUNTIME_DIRECTORY": "/run/a:/run/b"}, None, ["/run/a", f"/tmp/{OWN}"]),
    ({"RUNTIME_DIRECTORY": "run", "XDG_RUNTIME_DIR": "run"}, None, [f"/tmp/{OWN}"]),
    ({"RUNTIME_DIRECTORY": "", "XDG_RUNTIME_DIR": "/run/user/1"}, None, ["/run/user/1/cpi-oauth-proxy", f"/tmp/{OWN}"]),
    (
        {"RUNTIME_DIRECTORY": "/run/a", "XDG_RUNTIME_DIR": "/run/user/1"},
        Path("/var/lib/a"),
        ["/run/a", "/run/user/1/cpi-oauth-proxy", "/var/lib/a", f"/tmp/{OWN}"],
    ),
)
def test_the_places_have_an_order(environ: Mapping[str, str], store: Path | None, folders: list[str]) -> None:
    """The first absolute one of systemd counts."""
    assert [str(each.folder) for each in token_places(environ, store)] == folders


def test_the_file_is_named_after_the_address(tmp_path: Path) -> None:
    """By a digest for a Unix socket, as names have a limit."""
    assert token_file_name(Address(host="::1", port=1)) == "admin-[::1]:1.token"
    (tmp_path / "link").symlink_to(tmp_path)
    name = token_file_name(Address(path=tmp_path / "socket"))
    assert name == token_file_name(Address(path=tmp_path / "link" / ".." / tmp_path.name / "socket"))
    assert name != token_file_name(Address(path=tmp_path / "other"))
    assert len(name) < 64


@cases("umask", 0, 0o077, 0o277)
def test_the_file_is_for_its_user_alone(tmp_path: Path, umask: int) -> None:
    """Whatever the umask."""
    place = TokenFolder(tmp_path / "made", made=True, shared=True)
    write_token([place], NAME, TOKEN)
    before = os.umask(umask)
    try:
        write_token([place], NAME, OTHER)
    finally:
        os.umask(before)
    assert (place.folder / NAME).read_text() == OTHER
    assert [each.name for each in place.folder.iterdir()] == [NAME]
    assert ((place.folder / NAME).stat().st_mode & 0o777, place.folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_each_place_is_tried_and_each_reason_told(tmp_path: Path) -> None:
    """The first writable one counts."""
    good = TokenFolder(tmp_path / "good", made=True)
    absent = TokenFolder(tmp_path / "absent" / "folder", made=True)
    assert write_token([absent, TokenFolder(tmp_path / "missing"), good], NAME, TOKEN) == good
    with pytest.raises(OSError, match=r"absent.*: No such file or directory; .*missing: No such file or directory"):
        write_token([absent, TokenFolder(tmp_path / "missing")], NAME, TOKEN)
    with pytest.raises(OSError, match="there is no folder for it"):
        write_token([], NAME, TOKEN)


@cases("mode, told", (0o755, "0755"), (0o770, "0770"), (0o701, "0701"), (0o777, "0777"))
def test_a_folder_in_the_temporary_one_is_for_its_user_alone(tmp_path: Path, mode: int, told: str) -> None:
    """To read and to write."""
    place = TokenFolder(tmp_path / OWN, made=True, shared=True)
    write_token([place], NAME, TOKEN)
    assert find_tokens(ADDRESS, {"TMPDIR": str(tmp_path)}) == [TOKEN]
    place.folder.chmod(mode)
    with pytest.raises(OSError, match=f"has the mode {told}, so others can use it"):
        write_token([place], NAME, OTHER)
    assert find_tokens(ADDRESS, {"TMPDIR": str(tmp_path)}) == []
    assert (place.folder / NAME).read_text() == TOKEN


def test_a_symlink_in_the_temporary_folder_is_refused(tmp_path: Path) -> None:
    """Its owner may be another."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / OWN).symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match=OWN):
        write_token([TokenFolder(tmp_path / OWN, made=True, shared=True)], NAME, TOKEN)
    assert list((tmp_path / "real").iterdir()) == []


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a file."""
    place = TokenFolder(tmp_path / OWN, made=True, shared=True)
    write_token([place], NAME, TOKEN)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(OSError, match="belongs to another user"):
        write_token([place], NAME, OTHER)
    assert find_tokens(ADDRESS, {"RUNTIME_DIRECTORY": str(place.folder)}) == []


def test_a_given_folder_may_be_read_by_others_but_not_written(tmp_path: Path) -> None:
    """As systemd's, with a dynamic user's symlink."""
    (tmp_path / "private").mkdir(mode=0o755)
    (tmp_path / "run").symlink_to(tmp_path / "private")
    write_token([TokenFolder(tmp_path / "run")], NAME, TOKEN)
    assert find_tokens(ADDRESS, {"RUNTIME_DIRECTORY": f"{tmp_path}/run:/x"}) == [TOKEN]
    (tmp_path / "private").chmod(0o777)
    with pytest.raises(OSError, match="has the mode 0777"):
        write_token([TokenFolder(tmp_path / "run")], NAME, OTHER)


def test_only_a_file_of_this_user_alone_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a token: no link, pipe or socket."""
    environ, file = {"RUNTIME_DIRECTORY": str(tmp_path)}, tmp_path / NAME
    real = tmp_path / "real"
    real.write_text(TOKEN)
    real.chmod(0o600)
    file.symlink_to(real)
    assert find_tokens(ADDRESS, environ) == []
    file.unlink()
    os.mkfifo(file, 0o600)
    assert find_tokens(ADDRESS, environ) == []
    file.unlink()
    with socket.socket(socket.AF_UNIX) as bound:
        monkeypatch.chdir(tmp_path)  # a socket's path is short
        bound.bind(NAME)
    assert find_tokens(ADDRESS, environ) == []
    file.unlink()
    real.rename(file)
    assert find_tokens(ADDRESS, environ) == [TOKEN]
    for content in ("", "short", f"{TOKEN}\r\nx: y"):
        file.write_text(content)
        assert find_tokens(ADDRESS, environ) == []
    file.write_text(TOKEN)
    file.chmod(0o640)
    assert find_tokens(ADDRESS, environ) == []


def test_a_symlink_in_the_place_of_the_file_is_replaced(tmp_path: Path) -> None:
    """Its target stays."""
    (tmp_path / "real").write_text("x")
    (tmp_path / NAME).symlink_to(tmp_path / "real")
    write_token([TokenFolder(tmp_path)], NAME, TOKEN)
    assert ((tmp_path / "real").read_text(), (tmp_path / NAME).read_text()) == ("x", TOKEN)


def test_a_folder_in_the_place_of_the_file_leaves_nothing_behind(tmp_path: Path) -> None:
    """The next place is used."""
    (tmp_path / "a" / NAME).mkdir(parents=True)
    (tmp_path / "b").mkdir()
    assert write_token([TokenFolder(tmp_path / "a"), TokenFolder(tmp_path / "b")], NAME, TOKEN) == TokenFolder(
        tmp_path / "b"
    )
    assert [each.name for each in (tmp_path / "a").iterdir()] == [NAME]


def test_the_older_process_does_not_remove_the_token_of_the_newer_one(tmp_path: Path) -> None:
    """Nor fails without a file."""
    place = TokenFolder(tmp_path)
    write_token([place], NAME, TOKEN)
    write_token([place], NAME, OTHER)
    remove_token(place, NAME, TOKEN)
    assert find_tokens(ADDRESS, {"RUNTIME_DIRECTORY": str(tmp_path)}) == [OTHER]
    remove_token(place, NAME, OTHER)
    assert list(tmp_path.iterdir()) == []
    remove_token(place, NAME, OTHER)
    remove_token(TokenFolder(tmp_path / "missing"), NAME, OTHER)


def test_all_that_can_be_read_are_found(tmp_path: Path) -> None:
    """Also one of a killed process."""
    for folder, token in (("run", TOKEN), ("store", OTHER)):
        (tmp_path / folder).mkdir()
        write_token([TokenFolder(tmp_path / folder)], NAME, token)
    environ = {"RUNTIME_DIRECTORY": str(tmp_path / "run"), "TMPDIR": str(tmp_path)}
    assert find_tokens(ADDRESS, environ, tmp_path / "store") == [TOKEN, OTHER]
