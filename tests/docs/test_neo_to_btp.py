"""One line moves a route from Neo to BTP; `check` takes both."""

import difflib
from pathlib import Path
from urllib.parse import urlsplit

from proxy.config.load import load
from tests.docs.pages import ROOT, blocks
from tests.system.command import run
from tests.unit.config.entries import SECRET_KEY

PAGE = ROOT / "docs" / "neo-to-btp.md"


def written(folder: Path) -> tuple[Path, Path]:
    """Before and after, with files."""
    before, after = (folder / "before.yaml", folder / "after.yaml")
    (folder / "neo").write_text("secret")
    (folder / "cpi-service-key.json").write_text(SECRET_KEY)
    for file, block in zip((before, after), blocks(PAGE, "yaml"), strict=True):
        file.write_text(block.text.replace("/etc/cpi-oauth-proxy/secrets/", ""))
    return before, after


async def test_check_takes_both(tmp_path: Path) -> None:
    """By the command itself."""
    for file in written(tmp_path):
        ended = await run("check", "-c", str(file))
        assert (ended.status, ended.output) == (0, "The configuration is valid: 2 route(s), 2 OAuth client(s).")


def test_one_line_is_changed() -> None:
    """As on the page."""
    before, after = (block.text.splitlines() for block in blocks(PAGE, "yaml"))
    changed = [line for line in difflib.ndiff(before, after) if line[:1] in "+-"]
    (shown,) = blocks(PAGE, "diff")
    assert [line[:1] + line[2:] for line in changed] == shown.text.splitlines()


def test_senders_call_the_same_and_reach_the_other_tenant(tmp_path: Path) -> None:
    """By the same route."""
    before, after = (load(file, {}) for file in written(tmp_path))
    assert before.listen == after.listen
    seen = [[(route.name, route.path, route.host, route.methods) for route in each.routes] for each in (before, after)]
    assert seen[0] == seen[1]
    hosts = [{route.name: urlsplit(route.upstream).hostname or "" for route in each.routes} for each in (before, after)]
    assert hosts[0]["invoices"] == hosts[1]["invoices"] == hosts[0]["orders"]
    assert ".cfapps." in hosts[1]["orders"]
    assert [route.upstream.rpartition(".com")[2] for route in before.routes] == [
        route.upstream.rpartition(".com")[2] for route in after.routes
    ]
