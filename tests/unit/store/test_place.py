"""A store is needed by outboxes, and by messages that may be left in a folder."""

from pathlib import Path

from proxy.config.load import load
from proxy.store.place import is_needed, store_folder
from tests.cases import cases

TEXT = """
oauth_clients:
  orders: {{token_url: "https://as.example/t", client_id: c, client_secret: s}}
routes:
  - {{path: /a, upstream: "https://t.example/a", oauth_client: orders{outbox}}}
{store}
"""


@cases(
    "outbox, store, folder",
    ("", "", None),
    ("", "store: {}", None),
    (", outbox: {}", "", "given"),
    ("", "store: {path: named}", "named"),
    (", outbox: {}", "store: {path: named}", "named"),
)
def test_the_folder_is_the_named_one_or_the_given_one(
    tmp_path: Path, outbox: str, store: str, folder: str | None
) -> None:
    """None without an outbox."""
    (tmp_path / "proxy.yaml").write_text(TEXT.format(outbox=outbox, store=store))
    configuration = load(tmp_path / "proxy.yaml", {})
    found = store_folder(configuration, {"STATE_DIRECTORY": str(tmp_path / "given")})
    assert found == (None if folder is None else tmp_path / folder)
    assert is_needed(configuration) is (folder is not None)
