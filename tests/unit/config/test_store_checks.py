"""What `store` needs."""

import base64
from typing import Any

import pytest

from proxy.config import store_checks
from proxy.config.store_checks import check_keys
from tests.cases import cases
from tests.unit.config.entries import complaints, understand, written

KEY = base64.b64encode(bytes(range(32))).decode()
URL = "postgresql://proxy@db.example.com/proxy"
FILES = {"keys": KEY, "password": "s3cr3t"}
WHOLE = {"postgres": URL, "keys_file": "keys", "password_file": "password"}


def test_a_database_with_its_files_is_accepted() -> None:
    """Paths start at the configuration's folder."""
    store = understand(written(store=WHOLE), files=FILES).store
    assert (store.postgres, str(store.keys_file), str(store.password_file), store.path) == (
        URL,
        "/etc/test/keys",
        "/etc/test/password",
        None,
    )


@cases(
    "store, place, wrong",
    ({"password_file": "password"}, "store.password_file", "has no effect without `postgres`"),
    (WHOLE | {"path": "folder"}, "store.path", "is set as well as `postgres`"),
    ({"postgres": URL}, "store.keys_file", "is missing, and `postgres` needs it"),
    (WHOLE | {"keys_file": "password"}, "store.keys_file", "line 1 is not 32 bytes in base64"),
    (WHOLE | {"password_file": "nowhere"}, "store.password_file", "is not there"),
    (WHOLE | {"postgres": "postgresql://u:s3cr3t@db/x"}, "store.postgres", "contains a password"),
)
def test_what_does_not_fit_is_a_problem_at_its_option(store: dict[str, Any], place: str, wrong: str) -> None:
    """No sentence shows a secret."""
    found = complaints(written(store=store), files=FILES)
    assert any(place in each and wrong in each for each in found)
    assert not any("s3cr3t" in each for each in found)


def test_a_missing_extra_is_a_problem_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` finds it, before a start does."""
    monkeypatch.setattr(store_checks, "NEEDED", ("psycopg_is_missing",))
    (found,) = complaints(written(store=WHOLE), files=FILES)
    assert "needs the extra postgres (psycopg_is_missing is missing): pip install 'cpi-oauth-proxy[postgres]'" in found


@cases(
    "text, wrong",
    ("", "has no key"),
    ("\n \n", "has no key"),
    (f"{KEY}\nshort", "line 2 is"),
    (f"\n{base64.b64encode(bytes(31)).decode()}", "line 2 is"),
    (f"{KEY}!", "line 1 is"),
)
def test_each_line_of_a_keys_file_is_a_key(text: str, wrong: str) -> None:
    """The problem names the line and shows nothing of it."""
    with pytest.raises(ValueError, match=wrong) as raised:
        check_keys(text)
    assert KEY not in str(raised.value)


def test_blank_lines_between_keys_do_not_count() -> None:
    """A file may end with a line end."""
    check_keys(f"{KEY}\n\n{KEY}\n")
