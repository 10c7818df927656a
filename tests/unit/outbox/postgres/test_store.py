"""The store in PostgreSQL keeps what every store promises."""

import pytest

from tests.unit.outbox.store_contract import *

pytestmark = pytest.mark.needs("postgresql")
