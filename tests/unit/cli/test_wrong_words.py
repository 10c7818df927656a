"""Wrong arguments end a command with 2 and a sentence, before it opens a connection."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from proxy.cli.group import main
from tests.cases import cases

CONFIGURATION = """
oauth_clients:
  orders: {token_url: "https://as.invalid/t", client_id: c, client_secret: s}
  invoices: {token_url: "https://as.invalid/t", client_id: d, client_secret: s}
routes:
  - {path: /orders, upstream: "https://t.invalid/http/orders", oauth_client: orders}
"""
SECRET = "cAnAry$ecret="
OAUTH = {
    "clientid": "sb-1!b1|it-rt-acme!b2",
    "clientsecret": SECRET,
    "tokenurl": "https://acme.authentication.eu10.hana.ondemand.com/oauth/token",
}


def call(command: str, *words: str) -> Result:
    """The command, within this process."""
    module = main.get_command(click.Context(main), command)
    assert module is not None
    return CliRunner().invoke(module, words)


@cases(
    "words, wrong",
    (("token", "nobody"), "There is no OAuth client nobody; the OAuth clients are orders, invoices."),
    (("token",), "Name one OAuth client (orders, invoices), or give --all."),
    (("token", "orders", "--all"), "Name one OAuth client (orders, invoices), or give --all."),
    (("doctor", "nowhere"), "There is no route nowhere; the routes are orders."),
    (("doctor", "/nowhere"), "No route accepts POST /nowhere; the routes are orders."),
    (("doctor", "orders", "--data", "x"), "--data is the message for --send: give both."),
    (("send", "nowhere"), "There is no route nowhere; the routes are orders."),
    (("send", "orders", "--file", "missing.xml"), "missing.xml"),
    (("send", "orders", "--repeat", "0"), "--repeat"),
    (("send",), "Missing argument 'ROUTE|URL'."),
    (("send", "orders", "more"), "Got unexpected extra argument (more)."),
    (("send", "orders"), "This POST has no body: give -d or --file, or pipe it in. -d '' sends an empty message."),
    (("send", "orders", "-X", "patch"), "This PATCH has no body"),
    (("send", "orders", "-d", "x", "--repeat", "2", "-i"), "-i, -v and -o show one answer: leave out --repeat."),
    (("send", "orders", "-d", "x", "--repeat", "2", "-o", "x"), "-i, -v and -o show one answer"),
    (("send", "orders", "--var", "a=b"), "--var sets a variable of a collection: give --collection too."),
    (("send", "--collection", "missing.http"), "missing.http"),
    (("run", "--loud"), "--loud"),
)
def test_wrong_words_are_told(tmp_path: Path, words: Sequence[str], wrong: str) -> None:
    """Standard error has the sentence, standard output has nothing."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    ended = call(*words, "-c", str(tmp_path / "proxy.yaml"))
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert wrong in ended.stderr


@cases(
    "words, wrong",
    (("doctor", "own.yaml", "--data", "x"), "--data is the message for --send: give both."),
    (("token", "own.yaml"), "Name one OAuth client (orders, invoices), or give --all."),
    (("token", "own.yml", "--all", "--raw", "--loud"), "--loud"),
    (("send", "own.yaml", "-d", "x"), "own.yaml is a file; as the configuration it is named by -c, beside ROUTE"),
    (("doctor", "none.yaml"), "no configuration"),
    (("doctor", "folder.yaml"), "no configuration"),
    (("doctor", "own.yaml", "-c", "own.yaml"), "There is no route own.yaml; the routes are orders."),
    (("token", "own.yaml", "-c", "own.yaml"), "There is no OAuth client own.yaml"),
    (("send", "own.yaml", "-d", "x", "-c", "own.yaml"), "There is no route own.yaml; the routes are orders."),
)
def test_a_file_in_the_place_of_a_route_is_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], wrong: str
) -> None:
    """It has to be a file named as YAML is; with -c the word is a route."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("proxy.config.load.PLACES", (Path("proxy.yaml"),))
    for name in ("own.yaml", "own.yml"):
        (tmp_path / name).write_text(CONFIGURATION)
    (tmp_path / "folder.yaml").mkdir()
    ended = call(*words)
    assert ended.exit_code == 2
    assert wrong in ended.stderr


@cases(
    "key, words, wrong",
    ({"oauth": {**OAUTH, "clientid": None}}, (), "key.json has no clientid"),
    ({"oauth": OAUTH}, ("--name", "a/b"), "--name"),
    ({"oauth": {**OAUTH, "clientsecret": "cAnAryOther"}}, ("--name", "there"), "already exists with other content"),
    ({"xsuaa": [{"name": each, "credentials": OAUTH} for each in "ab"]}, (), "(a, b)"),
)
def test_a_key_that_cannot_be_imported_is_told(tmp_path: Path, key: Any, words: Sequence[str], wrong: str) -> None:
    """Only the sentence is printed, and no file is changed."""
    (tmp_path / "key.json").write_text(json.dumps(key))
    (tmp_path / "there-secret").write_text(SECRET)
    ended = call("import-key", str(tmp_path / "key.json"), *words)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert wrong in ended.stderr
    assert "cAnAry" not in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"key.json", "there-secret"}
    assert (tmp_path / "there-secret").read_text() == SECRET


def test_a_key_file_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """The sentence has the reason."""
    ended = call("import-key", str(tmp_path / "none"))
    assert ended.exit_code == 2
    assert "No such file or directory" in ended.stderr
