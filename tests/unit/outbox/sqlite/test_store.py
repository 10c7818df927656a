"""The store in SQLite keeps what every store promises, plain and encrypted."""

from tests.unit.outbox.store_contract import *  # noqa: F403 - its tests
