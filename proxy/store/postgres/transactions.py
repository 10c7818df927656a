"""Transactions: repeated where another was in the way, and with errors that do not mean that the database is away."""

import time
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from proxy.store.postgres.connecting import Connection, limit, reason_of
from proxy.store.postgres.database import Database, Operation, StoreBusy

T = TypeVar("T")

TRIES = 3
SHORTEST = 0.5
"Seconds that another attempt needs; with less it would only look like an outage."

NOW = "extract(epoch FROM clock_timestamp())::float8"
"The database's time. A query that compares it with an index needs it as a subquery, which is evaluated once."


class StoreFull(Exception):
    """The database's disk is full."""


class OutcomeUnknown(Exception):
    """The connection failed while the transaction was committed: nobody knows whether it was."""


class _InTheWay(Exception):
    """Another transaction was in the way."""


async def transact(database: Database, operation: Operation[T], *, within: float) -> T:
    """Runs an operation in a transaction, again if another was in the way: then it must not have changed anything else.

    All attempts together take `within` seconds at most. Raises StoreUnreachable, StoreBusy, StoreFull, or
    OutcomeUnknown.
    """
    end, left, reason = time.monotonic() + within, within, ""
    for _ in range(TRIES):
        attempt = _Attempt(operation)
        try:
            return await database.run(attempt.run, within=left)
        except _InTheWay as error:
            reason = str(error)
            left = round(end - time.monotonic(), 1)
            if left < SHORTEST:
                break
        except StoreBusy:
            raise
        except Exception:
            if attempt.committing:
                raise OutcomeUnknown("the connection was lost while the transaction was committed") from None
            raise
    raise database.busy(reason, at=time.monotonic())


async def rows(connection: Connection, statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    """Runs a statement, and returns all rows."""
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()


class _Attempt:
    def __init__(self, operation: Operation[Any]) -> None:
        self._operation = operation
        self.committing = False

    async def run(self, connection: Connection) -> Any:
        try:
            async with connection.transaction():
                await limit(connection)
                result = await self._operation(connection)
                self.committing = True
        except (errors.DeadlockDetected, errors.SerializationFailure) as error:
            self.committing = False  # the server says so itself
            raise _InTheWay(reason_of(error)) from None
        except (errors.LockNotAvailable, errors.QueryCanceled):
            self.committing = False
            raise
        except errors.DiskFull as error:
            self.committing = False
            raise StoreFull(reason_of(error)) from None
        except psycopg.Error as error:
            if error.sqlstate is not None and not isinstance(error, psycopg.OperationalError):
                self.committing = False
            raise
        return result
