"""How many senders' connections the system lets us have.

Each costs a descriptor, and its exchange one to the upstream; where a route has `spool`, one for the file as well.

At the limit `accept` fails again and again without an answer to anybody, so that we refuse earlier, with a reason.
"""

import resource
from contextlib import suppress

ADMIN = 64 + 16
"Descriptors for the admin address: its connections, and those that are being refused."
RESERVE = 64 + ADMIN
"Descriptors for all else: listeners, the admin address, token requests, files."


def most_connections(wanted: int, *, spools: bool = False) -> int:
    """As many as wanted, or as the system has descriptors for; raises the process's soft limit if it may."""
    each = 3 if spools else 2
    needed = each * wanted + RESERVE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < needed:
        with suppress(ValueError, OSError):  # beyond what the system has in all
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard) if hard >= 0 else needed, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft < 0 else max(1, min(wanted, (soft - RESERVE) // each))
