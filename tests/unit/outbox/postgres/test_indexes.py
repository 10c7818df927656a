"""No question costs more with a long backlog: each is answered by an index, or by the numbers of the routes."""

import re
from typing import Any

import pytest

from proxy.outbox.message import MessageState
from proxy.outbox.postgres import accepting, expiring, orders, people, settling, taking
from tests.cases import cases
from tests.fakes.postgres import PostgresServer
from tests.unit.outbox.store_contract import NOW

pytestmark = pytest.mark.needs("postgresql")

MANY = 5_000
FILL = f"""
INSERT INTO cpi_proxy_outbox_messages (id, route, place, due_at, free_at, accepted_at, expires_at, lifetime, size,
    chain, key_id, content, body_size)
SELECT 'b' || n, 'orders', CASE WHEN n % 10 = 0 THEN 2 WHEN n % 3 = 0 THEN 1 ELSE 0 END, n, {NOW} + n, n, {NOW} + n, 1,
    1, CASE WHEN n % 3 = 0 THEN decode('00', 'hex') END, '', 'content', 0
FROM generate_series(1, {MANY}) AS n;
INSERT INTO cpi_proxy_outbox_routes (route, waiting) VALUES ('orders', {MANY});
INSERT INTO cpi_proxy_outbox_pauses SELECT decode(md5(n::text), 'hex'), 0 FROM generate_series(1, {MANY}) AS n;
INSERT INTO cpi_proxy_outbox_history SELECT n, 1, '', '' FROM generate_series(1, {MANY}) AS n;
ANALYZE;
"""
CHAINS = {"chains": "array[decode('00', 'hex')]"}
OURS = {"ids": "array['b5']", "fences": "array[0]", "owner": "'o'", "lease": "30"}
PAGE = {"route": "'orders'", "after": "0", "limit": "100"}
LOOK = {"route": "'orders'", "now": "0", "until": f"{NOW + MANY}", "running": "'{}'::text[]", "most": "100"}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "take": (
        taking.TAKE,
        {"route": "'orders'", "ahead": "0", "running": "'{}'::text[]", "most": "4", "owner": "'o'", "lease": "30"},
    ),
    "next": (taking.NEXT, {"route": "'orders'", "running": "'{}'::text[]"}),
    "routes": (people.ROUTES, {}),
    "waiting": (people.LISTS[MessageState.WAITING], PAGE),
    "dead": (people.LISTS[MessageState.DEAD], PAGE),
    "delivering": (people.LISTS[MessageState.DELIVERING], PAGE),
    "begin": (settling._BEGIN, OURS),
    "delivered": (settling._DELIVERED, OURS),
    "deferred": (settling._DEFERRED, OURS | {"ats": "array[1.0]"}),
    "died": (settling._DIED, OURS | {"codes": "array['refused']"}),
    "release": (settling._RELEASE, OURS | {"pauses": "array[1.0]"}),
    "promote": (orders._PROMOTE.replace("%s", "%(chains)s"), CHAINS),
    "chains": (accepting._CHAINS.replace("%s", "%(chains)s"), CHAINS),
    "forget": (orders._FORGET_PAUSE.replace("%s", "%(chains)s"), CHAINS),
    "watch": (orders._WATCH.replace("%s", "%(chains)s"), CHAINS),
    "watch behind": (orders._WATCH_BEHIND, {"chain": "decode('00', 'hex')", "seq": "3"}),
    "others": (
        orders._OTHERS.replace("%s::bytea[]", "%(chains)s")
        .replace("%s::bigint[]", "%(seqs)s")
        .replace("%s", "%(ats)s"),
        CHAINS | {"seqs": "array[3]", "ats": "array[1.0]"},
    ),
    "first dead": (orders._FIRST_DEAD_OF.replace("%s", "%(chain)s"), {"chain": "decode('00', 'hex')"}),
    "ending": (expiring.ENDING, LOOK),
    "next ending": (expiring.NEXT, LOOK),
    "chains that end": (expiring._CHAINS.replace("%s", "%(chains)s"), CHAINS),
    "message": (people._MESSAGE.replace("%s", "%(id)s"), {"id": "'b5'"}),
    "stop": (people._STOP.replace("%s", "%(route)s"), {"route": "'orders'"}),
    "shorten": (taking.SHORTEN, {"lease": "30"}),
    "all": (people.LIST_ALL, {"after": "0", "limit": "100"}),
}


@cases("name", *ASKED)
@pytest.mark.usefixtures("store")
async def test_a_question_reads_few_rows(postgres_server: PostgresServer, database: str, name: str) -> None:
    """Of tens of thousands."""
    postgres_server.sql(FILL, database)
    statement, parameters = ASKED[name]
    written = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement % parameters}"
    plan = postgres_server.sql(written, database)
    assert "Seq Scan on cpi_proxy_outbox_messages" not in plan, plan
    read = [int(rows) for rows in re.findall(r"cpi_proxy_outbox_messages.*?actual rows=(\d+)", plan)]
    passed_over = [int(rows) for rows in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert max(read + passed_over, default=0) <= 101, plan
