"""How many connections of senders the system allows.

Each needs a descriptor, and its exchange one to the upstream; if a route has `spool`, one more for the file.

At the limit `accept` fails, and senders get no answer. So the proxy refuses connections earlier, with a reason.
"""

import resource
from contextlib import suppress

ADMIN = 64 + 16
"Descriptors for the admin address: its connections, and those that it refuses."
RESERVE = 64 + ADMIN
"Descriptors for everything else: listeners, the admin address, token requests, files."


def most_connections(wanted: int, *, spools: bool = False) -> int:
    """Returns `wanted`, or fewer if descriptors are short. Raises the soft limit of the process if possible."""
    each = 3 if spools else 2
    needed = each * wanted + RESERVE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < needed:
        with suppress(ValueError, OSError):  # more than the system has
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard) if hard >= 0 else needed, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft < 0 else max(1, min(wanted, (soft - RESERVE) // each))
