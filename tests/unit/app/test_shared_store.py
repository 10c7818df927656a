"""The store that replicas share, as the app has it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.app.shared_store import SharedStore, keys_watcher
from proxy.config.store import StoreSettings
from proxy.store.keys import ValueForged
from tests.fakes.token_store import KEY
from tests.unit.oauth.world import Lines

URL = "postgresql://proxy@127.0.0.1:1/proxy"


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    """With a keys file, and a database that is away."""
    path = tmp_path / "keys"
    path.write_bytes(KEY)
    return StoreSettings(postgres=URL, keys_file=path)


def opened(settings: StoreSettings, log: Lines, url: str = URL) -> SharedStore:
    """A store that is not started."""
    return SharedStore(url, settings, ca_file=None, log=log)


def test_nothing_of_it_is_loaded_without_the_option() -> None:
    """Neither psycopg nor what encrypts."""
    program = (
        "import sys, proxy.app, proxy.cli.run, proxy.admin.site;"
        "unwanted = 'psycopg', 'proxy.store.postgres', 'proxy.store.keys', 'proxy.oauth.shared';"
        "print([name for name in sys.modules if name.startswith(unwanted)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_missing_extra_is_an_error_that_says_how_to_install_it(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if psycopg is there and libpq is not."""
    for name in [each for each in sys.modules if each.startswith("proxy.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("proxy.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=r"needs the extra postgres .*pip install 'cpi-oauth-proxy\[postgres\]'"):
        opened(settings, Lines())


def test_a_url_that_libpq_cannot_read_is_an_error(settings: StoreSettings) -> None:
    """It is named, and not shown."""
    with pytest.raises(ValueError, match=r"^store\.postgres is not a valid PostgreSQL URL"):
        opened(settings, Lines(), "postgresql://db/x?unknown=1")


def test_keys_are_needed() -> None:
    """The configuration says so earlier."""
    with pytest.raises(ValueError, match=r"needs store\.keys_file"):
        keys_watcher(StoreSettings(postgres=URL))


async def test_a_start_and_new_keys_without_a_database(settings: StoreSettings) -> None:
    """A file that is not valid changes nothing."""
    log = Lines()
    store = await asyncio.to_thread(opened, settings, log)
    await store.start()
    assert not store.state.up
    assert "refused" in (store.state.detail or "")
    before, path = store.keys(), settings.keys_file
    assert path is not None
    await asyncio.to_thread(path.write_bytes, b"no key")
    await store._watcher.look()
    assert store.keys() is before
    assert len(log.named("store.keys_rejected")) == 1
    await asyncio.to_thread(path.write_bytes, KEY + b"\n\n")
    store._changed(store.keys())
    store._changed(store.keys())
    await store.close()
    assert log.named("store.keys_changed") == []


def test_what_was_tampered_with_is_told_once(settings: StoreSettings) -> None:
    """Each replica looks at the row again and again."""
    log = Lines()
    store = opened(settings, log)
    for _ in range(2):
        store.rejected(ValueForged("changed"))
    assert log.named("store.value_rejected") == [{"detail": "A new grant replaces it: changed."}]
