"""`init` without a terminal: options in place of answers, and nothing is overwritten."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from proxy.cli.init import command
from proxy.config.choices import Provider
from proxy.config.load import load
from tests.cases import cases
from tests.fakes.identity import CERTIFICATE

SECRET = "cAnAry$ecret="
FLOW = "https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com/http/orders"
NEO = "https://oauthasservices-a1b2c3.hana.ondemand.com/oauth2/api/v1/token"
URLS = {
    "neo": NEO,
    "btp": "https://x.authentication.eu10.hana.ondemand.com/oauth/token",
    "other": "https://x.example/t",
}
KEY = {
    "oauth": {
        "clientid": "sb-1!b1|it-rt-acme!b2",
        "clientsecret": SECRET,
        "tokenurl": URLS["btp"],
        "url": "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com",
    }
}


def call(*words: str, stdin: str = "") -> Result:
    """The command, within this process; standard input is no terminal."""
    return CliRunner().invoke(command, words, input=stdin)


def told(folder: Path, **options: str | None) -> list[str]:
    """All options that a tenant on Neo needs, with these instead."""
    (folder / "given").write_text(f"{SECRET}\n")
    known: Mapping[str, str | None] = {
        "token-url": NEO,
        "client-id": "c",
        "client-secret-file": str(folder / "given"),
        "flow": FLOW,
        "directory": str(folder / "made"),
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    return [word for name, value in known.items() if value is not None for word in (f"--{name}", value)]


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


@cases(
    "platform, url, provider",
    (None, "neo", Provider.NEO),
    (None, "btp", Provider.XSUAA),
    (None, "other", Provider.GENERIC),
    ("neo", "other", Provider.NEO),
    ("btp", "other", Provider.XSUAA),
    ("other", "neo", Provider.GENERIC),
)
def test_options_are_enough(tmp_path: Path, platform: str | None, url: str, provider: Provider) -> None:
    """The platform is known by the token URL, unless it is given."""
    ended = call(*told(tmp_path, platform=platform, token_url=URLS[url]))
    assert ended.exit_code == 0
    assert "The configuration is valid" in ended.stdout
    assert "run -c" in ended.stdout
    assert SECRET not in ended.output
    assert set(contents(tmp_path / "made")) == {"proxy.yaml", "orders-secret"}
    assert contents(tmp_path / "made")["orders-secret"] == f"{SECRET}\n"
    assert (tmp_path / "made" / "orders-secret").stat().st_mode & 0o777 == 0o600
    assert SECRET not in contents(tmp_path / "made")["proxy.yaml"]
    (client,) = load(tmp_path / "made" / "proxy.yaml", {}).oauth_clients.values()
    assert client.provider is provider


@cases("key", "key.json", "-")
def test_a_service_key_has_all_but_the_flow(tmp_path: Path, key: str) -> None:
    """The flow's path is below the key's runtime."""
    (tmp_path / "key.json").write_text(json.dumps(KEY))
    key = key if key == "-" else str(tmp_path / key)
    made = tmp_path / "made"
    words = f"--key {key} --flow /http/invoices --name it --directory {made} --allow 10.0.0.0/8".split()
    ended = call(*words, stdin=json.dumps(KEY))
    assert ended.exit_code == 0
    found = load(made / "proxy.yaml", {})
    assert [each.upstream for each in found.routes] == [f"{KEY['oauth']['url']}/http/invoices"]
    assert found.oauth_clients["it"].provider is Provider.XSUAA
    assert [str(each) for each in found.listen[0].allow or ()] == ["10.0.0.0/8"]
    assert contents(made)["it-secret"] == f"{SECRET}\n"


def test_a_secret_comes_from_standard_input(tmp_path: Path) -> None:
    """One line end at its end is dropped."""
    ended = call(*told(tmp_path, client_secret_file="-"), stdin=f"{SECRET}\r\n")
    assert ended.exit_code == 0
    assert contents(tmp_path / "made")["orders-secret"] == f"{SECRET}\n"


def test_an_open_secret_file_of_before_is_kept_and_told(tmp_path: Path) -> None:
    """A secret file with the same content may exist already."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "orders-secret").write_text(f"{SECRET}\n")
    (tmp_path / "made" / "orders-secret").chmod(0o644)
    ended = call(*told(tmp_path))
    assert ended.exit_code == 0
    assert "run chmod 600 on it" in ended.stderr


@cases(
    "words, named",
    ((), "--key (BTP) or --token-url, --client-id, --client-secret-file, --flow"),
    (("--platform", "neo"), "also give --token-url, --client-id, --client-secret-file, --flow"),
    (("--platform", "btp", "--flow", FLOW), "--key (BTP) or --token-url, --client-id, --client-secret-file."),
    (("--key", "k"), "also give --flow."),
    (("--token-url", NEO, "--flow", FLOW), "also give --client-id, --client-secret-file."),
)
def test_missing_options_are_named(tmp_path: Path, words: Sequence[str], named: str) -> None:
    """All that is missing is told at once, and nothing is written."""
    ended = call(*words, "--directory", str(tmp_path / "made"))
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert named in ended.stderr
    assert not (tmp_path / "made").exists()


@cases(
    "options, wrong",
    ({"flow": "/http/orders"}, "--flow: it is only a path"),
    ({"flow": "http://t.example/http/orders"}, "it begins with http://; write https://"),
    ({"token_url": "http://t.example/token"}, "it begins with http://; write https://"),
    ({"token_url": "as.example"}, "begin with https://"),
    ({"client_id": " c"}, "white space"),
    ({"name": "a/b"}, "'--name': it is not a valid name"),
    ({"allow": "10.0.0/99"}, "'--allow': it is not a valid network"),
    ({"key": "k.json"}, "--key has all that --token-url says"),
    (
        {"key": "k.json", "token_url": None, "client_id": None, "client_secret_file": None, "platform": "neo"},
        "--platform",
    ),
    ({"key": "k.json", "token_url": None, "client_id": None, "client_secret_file": None}, "No such file"),
    ({"client_secret_file": "/nowhere/secret"}, "No such file"),
    ({"client_secret_file": "/dev/null"}, "is empty"),
    ({"directory": "/dev/null/made"}, "/dev/null"),
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, str | None], wrong: str) -> None:
    """Nothing is written."""
    ended = call(*told(tmp_path, **options))
    assert ended.exit_code == 2
    assert wrong in ended.stderr
    assert "cAnAry" not in ended.output
    assert contents(tmp_path / "made") == {}


@cases("secret", "a\nb", "a\x07b")
def test_a_secret_with_control_characters_is_told(tmp_path: Path, secret: str) -> None:
    """Every server would refuse it."""
    words = told(tmp_path)
    (tmp_path / "given").write_text(secret)
    ended = call(*words)
    assert ended.exit_code == 2
    assert "given contains a line end or another control character" in ended.stderr
    assert contents(tmp_path / "made") == {}


@cases("name", "proxy.yaml", "orders-secret")
def test_no_file_is_overwritten(tmp_path: Path, name: str) -> None:
    """Neither a configuration nor a secret with other content."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / name).write_text("mine")
    ended = call(*told(tmp_path))
    assert ended.exit_code == 2
    assert "already exists" in ended.stderr
    assert contents(tmp_path / "made") == {name: "mine"}


def test_the_check_s_problems_end_the_command(tmp_path: Path) -> None:
    """The files are written, and the problem says what is left."""
    key = {"oauth": {**KEY["oauth"], "clientsecret": None, "certificate": CERTIFICATE}}
    (tmp_path / "key.json").write_text(json.dumps(key))
    made = tmp_path / "made"
    ended = call("--key", str(tmp_path / "key.json"), "--flow", "/http/x", "--directory", str(made))
    assert ended.exit_code == 2
    assert "External Certificate" in ended.stderr
    assert "key_file" in ended.stderr
    assert set(contents(made)) == {"proxy.yaml", "x-cert.pem"}
