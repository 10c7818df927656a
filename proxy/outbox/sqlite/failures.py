"""What an error of SQLite or of the disk means for those who wait."""

import errno
import sqlite3
from enum import Enum

from proxy.errors import OutboxFull, OutboxUnavailable
from proxy.outbox.failures import disk_full, unavailable


class Fault(Enum):
    """What failed."""

    FULL = "full"
    "The disk has no room."
    CALL = "call"
    "One call only, as a message whose id is there already."
    STORE = "store"
    "The connection is not to be used any more: what it wrote may be lost."


def fault_of(error: sqlite3.Error) -> Fault:
    """Tells what failed. Errors without a code are Python's own, about one call."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF in {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}:
        return Fault.CALL
    return Fault.FULL if code & 0xFF == sqlite3.SQLITE_FULL else Fault.STORE


def body_failed(error: OSError) -> OutboxFull | OutboxUnavailable:
    """Returns the error for a body whose file cannot be written or read."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full()
    return unavailable(error.strerror or "the disk does not answer")
