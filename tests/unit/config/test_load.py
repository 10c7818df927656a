"""Finding and reading the configuration, with real files."""

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config.load import PLACES, ConfigurationError, find, load, locate
from tests.cases import cases
from tests.fakes.identity import SPELLINGS
from tests.unit.config.entries import BASIC, PEM, ROUTE, SECRET_KEY, written

ENVIRON = {"CPI_SERVICE_KEY": SECRET_KEY}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that can be read."""
    path = tmp_path / "proxy.yaml"
    path.write_text(written(via="from-file"), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    """Why the file cannot be loaded."""
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    return str(caught.value)


def test_a_file_is_loaded_with_what_stands_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process was started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "secret").write_text("s\n", encoding="utf-8")
    (tmp_path / "ca.pem").write_text(PEM, encoding="utf-8")
    client = {"token_url": "https://${HOST}/t", "client_id": "a", "client_secret_file": "../secret"}
    path = Path("config/proxy.yaml")
    path.write_text(written(client=client | {"tls": {"ca_file": "../ca.pem"}}), encoding="utf-8-sig")
    found = load(path, {"HOST": "as.example.com"}).oauth_clients["a"]
    assert found.client_secret
    assert found.client_secret.get_secret_value() == "s"
    assert found.client_secret_file == tmp_path / "config/../secret"
    assert found.token_url == "https://as.example.com/t"


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """So is a folder, and what is not text."""
    assert refused(tmp_path / "none").startswith(f"{tmp_path}/none: cannot be read (No such file or directory); name")
    assert refused(tmp_path).startswith(f"{tmp_path}: cannot be read (Is a directory); name")
    (tmp_path / "a.yaml").write_bytes(b"a: \xff")
    assert refused(tmp_path / "a.yaml") == f"{tmp_path}/a.yaml:1: is not UTF-8; write it as UTF-8"


def test_an_open_listener_is_a_problem_unless_admitted(tmp_path: Path) -> None:
    """The operator's word reaches the rule."""
    path = tmp_path / "a.yaml"
    path.write_text(written(listen="0.0.0.0:1"), encoding="utf-8")
    assert "can be reached from other machines" in refused(path)
    assert load(path, {}, insecure_listen=True) == find(path, {}, insecure_listen=True)


def test_a_named_file_wins(file: Path, tmp_path: Path) -> None:
    """Over a file at its place and the environment."""
    other = tmp_path / "other.yaml"
    other.write_text(written(via="other"), encoding="utf-8")
    assert find(file, ENVIRON, places=(other,)).via == "from-file"
    assert locate(file, places=(other,)) == file


def test_a_file_at_its_place_wins_over_the_environment(file: Path, tmp_path: Path) -> None:
    """The first file that is there is taken, even if it is wrong."""
    places = (tmp_path / "none", file, tmp_path)
    assert locate(None, places=places) == file
    assert find(None, ENVIRON, places=places).via == "from-file"
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="the file is empty or a list"):
        find(None, ENVIRON, places=places)


def test_without_a_file_the_environment_counts() -> None:
    """One route is made from the variables."""
    assert locate(None, places=()) is None
    assert find(None, ENVIRON, places=()).routes[0].name == "root"


def test_without_anything_the_ways_are_named(tmp_path: Path) -> None:
    """Who has no configuration is told where one is looked for."""
    with pytest.raises(ConfigurationError) as caught:
        find(None, {}, places=(tmp_path / "x.yaml", Path("y.yaml")))
    assert str(caught.value) == (
        f"no configuration: looked for {tmp_path}/x.yaml, ./y.yaml and the variables CPI_UPSTREAM, CPI_TOKEN_URL and "
        "the others; let `cpi-oauth-proxy init` write a file, name one with -c, or set the variables"
    )


def test_the_working_directory_comes_before_its_folder_and_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is used if none before it has a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    assert (Path("proxy.yaml"), Path("config/proxy.yaml"), Path("/etc/cpi-oauth-proxy/proxy.yaml")) == PLACES
    for place in (Path("config/proxy.yaml"), Path("proxy.yaml")):
        place.touch()
        assert locate(None) == place


def test_reading_a_configuration_imports_nothing_heavy() -> None:
    """Start-up does not wait for what reading a file does not need."""
    heavy = ["aiohttp", "click", "cryptography", "rich", "structlog", "asyncio", "proxy.config.schema"]
    code = f"import sys, proxy.config.load; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_proxy_of_the_environment_that_is_none_is_a_problem(file: Path) -> None:
    """It may hold a password."""
    for named, environ in ((file, {}), (None, ENVIRON)):
        with pytest.raises(ConfigurationError) as caught:
            find(named, {**environ, "HTTPS_PROXY": "socks5://u:sesame@p"}, places=())
        assert str(caught.value).startswith("environment: HTTPS_PROXY must be like http://proxy.example:3128")
        assert "sesame" not in str(caught.value)
        assert ("proxy_url" in str(caught.value)) is (named is not None)
    assert find(file, {"HTTPS_PROXY": "http://p:3128"}).routes


def test_a_configuration_above_1_mib_is_refused(tmp_path: Path) -> None:
    """It is the wrong file."""
    path = tmp_path / "proxy.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigurationError, match="is larger than 1 MiB"):
        load(path, {})


def naming(option: str, path: Path) -> str:
    """A configuration whose option names the file."""
    tls = {option: str(path)}
    client = BASIC | {"tls": tls} if option != "client_ca_file" else BASIC
    listen = {"address": "127.0.0.1:8443", "tls": {"cert_file": str(path), **tls}}
    route = ROUTE | {"tls": tls} if option != "client_ca_file" else ROUTE
    return written(client=client, route=route, **({"listen": listen} if option == "client_ca_file" else {}))


@cases("option", "ca_file", "cert_file", "client_ca_file")
@cases("spelling", *SPELLINGS)
def test_pem_files_are_taken_in_any_spelling(tmp_path: Path, option: str, spelling: str) -> None:
    """For a listener, an OAuth client and a route."""
    path, pem = tmp_path / "proxy.yaml", tmp_path / "some.pem"
    pem.write_bytes(SPELLINGS[spelling](PEM))
    path.write_text(naming(option, pem), encoding="utf-8")
    load(path, {})


@cases("option", "ca_file", "cert_file", "client_ca_file")
@cases(
    "content, wrong",
    (PEM.encode("utf-16"), "is UTF-16; write it as UTF-8"),
    (PEM.encode("utf-16-be"), "is UTF-16; write it as UTF-8"),
    (b"\x30\x82\x01\xff", "is not UTF-8; write it as UTF-8, or as PEM if it is a certificate or key"),
    (PEM[:-40].encode(), "contains a PEM block without its end; copy all of it"),
    (b"# nothing", "contains no readable certificate"),
)
def test_pem_files_that_cannot_be_used_are_named(tmp_path: Path, option: str, content: bytes, wrong: str) -> None:
    """In a sentence, whatever option names them."""
    path, pem = tmp_path / "proxy.yaml", tmp_path / "some.pem"
    pem.write_bytes(content)
    path.write_text(naming(option, pem), encoding="utf-8")
    assert f"the file {pem} {wrong}" in refused(path)
