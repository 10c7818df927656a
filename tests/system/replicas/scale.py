"""How long a proof is, and the pauses of the replicas that it tries."""

import sys
from dataclasses import dataclass

from tests.system.command import Proxy
from tests.system.proving import ALL

HASTY = """
from proxy.oauth import shared_granter, source
from proxy.outbox.postgres import store, waking
from proxy.store.postgres import database
database.QUICK, database.FIRST_PAUSE, database.LONGEST_PAUSE = 1.0, 0.2, 0.5
shared_granter.LEASE, shared_granter.RESPITE, source.TOO_YOUNG = 2.0, 0.5, 0.5
store.PostgresOutbox.__init__.__kwdefaults__["lease"] = 3.0
waking.LISTENING = waking.ALONE = 1.0
from proxy.cli import main
main()
"""
"With shorter leases and pauses, so that a short proof sees their ends, and more time for a database on a busy machine."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Of one proof. Times are seconds."""

    program: tuple[str, ...] = Proxy.program
    rounds: int
    messages: int
    "Of a round."
    senders: int
    takes: float
    "For a message, on average: in the tenant, or between two of a sender."
    lifetime: int = 0
    "Of some tokens, longer than any grant takes; others live long."
    lease: float
    "For which a replica that died or stands still keeps others from its work."
    alone: float = 0.0
    "After which a replica without its store may make another grant."


SHORT_PROGRAM = (sys.executable, "-c", HASTY)
TOKENS = (
    Scale(rounds=25, messages=400, senders=12, takes=0.3, lifetime=9, lease=5.0, alone=5.0)
    if ALL
    else Scale(program=SHORT_PROGRAM, rounds=3, messages=120, senders=8, takes=0.2, lifetime=4, lease=2.0, alone=1.0)
)
OUTBOXES = (
    Scale(rounds=8, messages=1250, senders=12, takes=0.4, lease=30.0)
    if ALL
    else Scale(program=SHORT_PROGRAM, rounds=3, messages=120, senders=8, takes=0.1, lease=3.0)
)
