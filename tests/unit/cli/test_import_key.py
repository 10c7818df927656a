"""Names, files, document and hints that `import-key` makes from a service key."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.cli.import_key import configuration, hints, keep, name_of, secret_files
from proxy.config.checked_text import check_client_id, check_name
from proxy.config.service_key import ServiceKey
from proxy.config.yaml_text import read_yaml
from tests.cases import cases

TOKEN_URL = "https://acme.authentication.eu10.hana.ondemand.com/oauth/token"
RUNTIME = "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"


def key(
    *, client_id: str = "sb-1!b1|it-rt-acme!b2", token_url: str = TOKEN_URL, url: str | None = RUNTIME
) -> ServiceKey:
    """A service key with a secret."""
    return ServiceKey(client_id=client_id, token_url=token_url, url=url, client_secret=SecretStr("s$x="))


EXTERNAL = ServiceKey(client_id="a", token_url=TOKEN_URL, url=RUNTIME, certificate=SecretStr("PEM\n"))
CERTIFICATE = ServiceKey(
    client_id="a", token_url=TOKEN_URL, url=None, certificate=SecretStr("PEM\n"), private_key=SecretStr("KEY\n")
)


@cases(
    "token_url, name",
    (TOKEN_URL, "acme"),
    ("https://3M-Test_1.authentication.eu10.hana.ondemand.com/oauth/token", "m-test_1"),
    ("https://127.0.0.1:9444/oauth/token", "tenant"),
    ("https://[::1]/oauth/token", "tenant"),
)
def test_the_name_is_the_subdomain_s(token_url: str, name: str) -> None:
    """Other characters are dropped; an IP address gives `tenant`."""
    assert name_of(key(token_url=token_url)) == check_name(name)


def test_a_secret_is_named_by_its_file() -> None:
    """The document has its options in reading order."""
    assert secret_files("acme", key()) == {"acme-secret": "s$x=\n"}
    assert yaml.safe_dump(configuration("acme", key()), sort_keys=False) == (
        "oauth_clients:\n"
        "  acme:\n"
        "    provider: xsuaa\n"
        f"    token_url: {TOKEN_URL}\n"
        "    client_id: sb-1!b1|it-rt-acme!b2\n"
        "    client_secret_file: acme-secret\n"
        "routes:\n"
        "- path: /http\n"
        f"  upstream: {RUNTIME}/http\n"
        "  oauth_client: acme\n"
    )


def test_a_certificate_and_its_key_are_named_by_their_files() -> None:
    """A key that names no runtime makes no route."""
    assert secret_files("a", CERTIFICATE) == {"a-cert.pem": "PEM\n", "a-key.pem": "KEY\n"}
    assert secret_files("a", EXTERNAL) == {"a-cert.pem": "PEM\n"}
    client = {
        "provider": "xsuaa",
        "token_url": TOKEN_URL,
        "client_id": "a",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls": {"cert_file": "a-cert.pem", "key_file": "a-key.pem"},
    }
    assert configuration("a", CERTIFICATE) == {"oauth_clients": {"a": client}}
    assert configuration("a", EXTERNAL)["oauth_clients"] == {"a": client}


@given(st.text(min_size=1))
def test_an_id_is_read_as_it_was_written(client_id: str) -> None:
    """A client id survives YAML and the substitution of variables."""
    try:
        check_client_id(client_id)
    except ValueError:
        return
    text = yaml.safe_dump(configuration("a", key(client_id=client_id)), width=1000)
    tree, problems = read_yaml(text, file="x", environ={})
    problems.end()
    assert tree["oauth_clients"]["a"]["client_id"] == client_id


@cases(
    "imported, paths, told",
    (key(), {Path("x/a-secret"): False}, []),
    (key(), {Path("x/a-secret"): True}, ["Others can read x/a-secret"]),
    (EXTERNAL, {Path("x/a-cert.pem"): False}, ["The service key is an External Certificate"]),
    (key(url=None), {}, ["The service key names no runtime"]),
    (key(client_id="sb-1!b1|it!b2"), {}, ["Its plan is api"]),
)
def test_hints_say_what_is_left_to_do(imported: ServiceKey, paths: dict[Path, bool], told: list[str]) -> None:
    """Each hint is one sentence."""
    found = list(hints(Path("x/a"), imported, paths))
    assert len(found) == len(told)
    assert all(hint.startswith(start) for hint, start in zip(found, told, strict=True))


def test_files_are_the_owner_s_from_the_beginning(tmp_path: Path) -> None:
    """Mode 0600; the same content again changes nothing."""
    path = tmp_path / "a"
    assert keep({path: b"s\n"}) == keep({path: b"s\n"}) == {path: False}
    assert path.read_bytes() == b"s\n"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    assert keep({path: b"s\n"}) == {path: True}


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    """One with other content keeps all from being written."""
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(ValueError, match="already exists with other content") as caught:
        keep({tmp_path / "a": b"sesame", tmp_path / "b": b"sesame"})
    assert "sesame" not in str(caught.value)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("b", b"mine")]


def test_a_file_that_cannot_be_written_is_an_error_with_the_reason(tmp_path: Path) -> None:
    """A dangling link is not followed."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    reasons = {"folder": "Is a directory", "none/a": "No such file or directory", "link": "File exists"}
    for name, reason in reasons.items():
        with pytest.raises(ValueError, match=reason):
            keep({tmp_path / name: b"s"})
    assert not (tmp_path / "elsewhere").exists()
