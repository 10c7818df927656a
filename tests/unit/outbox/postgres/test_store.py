"""The store in PostgreSQL keeps what every store promises."""

import pytest

from tests.unit.outbox.store_contract import *  # noqa: F403 - its tests

pytestmark = pytest.mark.needs("postgresql")
