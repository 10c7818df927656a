"""The key of the rows' names."""

import pytest

from proxy.store.keys import KeyMissing, Keys
from proxy.store.postgres.migrations import migrate
from proxy.store.postgres.names import NameKey
from proxy.store.tokens import StoreUnreachable
from tests.fakes.token_store import KEY, OTHER_KEY, keys
from tests.unit.store.postgres.conftest import Connect

pytestmark = pytest.mark.needs("postgresql")


class Replica:
    """A name key with keys of its own."""

    def __init__(self, *texts: bytes) -> None:
        self.keys: Keys = keys(*texts)
        self.rejected: list[ValueError] = []
        self.names = NameKey(lambda: self.keys, rejected=self.rejected.append)


async def test_all_replicas_name_alike(connecting: Connect) -> None:
    """Whoever comes first makes the key."""
    connection = await connecting()
    await migrate(connection)
    first, second = Replica(), Replica()
    await first.names.load(connection)
    await second.names.load(connection)
    name = first.names.name_of(b"a")
    assert name == second.names.name_of(b"a") != first.names.name_of(b"b")
    assert len(name) == 32


async def test_names_stay_while_keys_are_rotated(connecting: Connect) -> None:
    """Also when the old key has gone."""
    connection = await connecting()
    await migrate(connection)
    names = []
    for texts in ((KEY,), (KEY, OTHER_KEY), (OTHER_KEY, KEY), (OTHER_KEY,)):
        replica = Replica(*texts)
        await replica.names.load(connection)
        names.append(replica.names.name_of(b"a"))
    assert len(set(names)) == 1


async def test_without_the_right_key_nothing_is_named(connecting: Connect) -> None:
    """Also after foreign keys came."""
    connection = await connecting()
    await migrate(connection)
    replica = Replica()
    with pytest.raises(StoreUnreachable):
        replica.names.name_of(b"a")
    await replica.names.load(connection)
    replica.keys = keys(OTHER_KEY)
    await replica.names.load(connection)
    assert ([type(each) for each in replica.rejected], replica.names.is_known) == ([KeyMissing], False)
    with pytest.raises(StoreUnreachable, match="keys are not those"):
        replica.names.name_of(b"a")
