"""`check` prints warnings, and succeeds with them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.check import command
from tests.cases import cases

TEXT = """
oauth_clients:
  orders: {token_url: "https://as.invalid/t", client_id: c, client_secret_file: secret}
routes:
  - path: /orders
    upstream: https://a1b2c3-tmn.hci.eu1.hana.ondemand.com/http/orders
    oauth_client: orders
"""


@cases("mode, readable", (0o644, True), (0o600, False))
def test_doubts_and_readable_secrets_are_warnings(tmp_path: Path, mode: int, readable: bool) -> None:
    """On standard error, with file and line; the status is 0."""
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(mode)
    (tmp_path / "proxy.yaml").write_text(TEXT)
    ended = CliRunner().invoke(command, [str(tmp_path / "proxy.yaml")])
    first, *rest = ended.stderr.splitlines()
    assert first.startswith(f"warning: {tmp_path}/proxy.yaml:6: routes[0].upstream: leads to the design time")
    exposed = f"warning: {tmp_path}/secret: every user of this machine can read it; run chmod o-r on it"
    assert rest == ([exposed] if readable else [])
    assert (ended.exit_code, ended.stdout) == (0, "The configuration is valid: 1 route(s), 1 OAuth client(s).\n")


@cases(
    "words, path, variable, warned",
    {
        "meant": ([], "/orders", "https://cpi.invalid/http", True),
        "empty": ([], "/orders", "", False),
        "used": ([], "${CPI_UPSTREAM}", "/orders", False),
        "named": (["proxy.yaml"], "/orders", "https://cpi.invalid/http", False),
    },
)
def test_variables_that_a_file_makes_useless_are_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    path: str,
    variable: str,
    warned: bool,
) -> None:
    """Unless the file was named on purpose, or has variables itself."""
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "proxy.yaml").write_text(TEXT.replace("-tmn.hci", "-iflmap.hci").replace("/orders\n", f"{path}\n", 1))
    monkeypatch.chdir(tmp_path)
    ended = CliRunner(env={"CPI_UPSTREAM": variable}).invoke(command, words)
    assert ended.exit_code == 0
    assert ended.stderr.startswith("warning: proxy.yaml: is read, so CPI_UPSTREAM ") == warned
    assert warned or not ended.stderr
