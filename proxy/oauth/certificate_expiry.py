"""When our own certificates expire: for the metrics, and for a warning in time.

The certificate of a service key lives for a year at most (SAP help, Creating Service Instance and Service Key), and its
end is easily forgotten.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from proxy.clock import Clock
from proxy.config.file_threads import FileThreads
from proxy.config.pem import repair_pem
from proxy.observe.logger import Logger

DAY = 86400.0
EARLY = 30 * DAY
"Seconds before the end; from then on each check warns."


def first_end(pem: bytes) -> float:
    """Returns the wall time at which the first certificate of a PEM chain expires; ValueError if it has none."""
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - needed only if there is a certificate

    return min(
        each.not_valid_after_utc.timestamp()
        for each in load_pem_x509_certificates(repair_pem(pem.decode("latin-1")).encode())
    )


class CredentialExpiry:
    """Checks each certificate at the start and once a day."""

    def __init__(
        self,
        certificates: Mapping[str, Callable[[], bytes]],
        *,
        clock: Clock,
        log: Logger,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`certificates` has, by a name for the log, what reads the PEM; it is called in a thread."""
        self._certificates = certificates
        self._clock, self._log, self._sleep = clock, log, sleep
        self._threads = {name: FileThreads() for name in certificates}
        self._task: asyncio.Task[None] | None = None
        self.ends: dict[str, float] = {}
        "The wall time at which each certificate expires."

    def start(self) -> None:
        """Starts the checks, if there are certificates."""
        if self._certificates:
            self._task = asyncio.get_running_loop().create_task(self._check_daily())

    async def close(self) -> None:
        """Stops the checks."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _check_daily(self) -> None:
        while True:
            for name, read in self._certificates.items():
                await self._check(name, read)
            await self._sleep(DAY)

    async def _check(self, name: str, read: Callable[[], bytes]) -> None:
        try:
            end = self.ends[name] = await self._threads[name].run(lambda: first_end(read()))
        except Exception as error:  # noqa: BLE001 - of any library; the others are looked at all the same
            self._log.warning("credential.unreadable", credential=name, reason=type(error).__name__)
            return
        left = end - self._clock.wall()
        if left < EARLY:
            days = int(left // DAY)
            detail = "It has expired: replace it now." if left <= 0 else "Create a new one and replace it in time."
            self._log.warning("credential.expiring", credential=name, days_left=days, detail=detail)
