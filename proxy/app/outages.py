"""Logs an outage of a database once, whatever the number of connections, and its end when all are there again."""

from typing import Any

from proxy.observe.logger import Logger


class Outages:
    """What all connections tell."""

    def __init__(self, log: Logger, names: set[str]) -> None:
        """`names` are those of the connections; none is there yet."""
        self._log, self._away = log, names
        self._told: str | None = None

    def of(self, name: str) -> "ConnectionLog":
        """Returns the log of one connection."""
        return ConnectionLog(self, self._log, name)

    def reachable(self, name: str, **fields: Any) -> None:
        """Tells that all are there, if this was the last."""
        self._away.discard(name)
        if not self._away:
            self._tell("store.reachable", self._log.info, fields)

    def unreachable(self, name: str, **fields: Any) -> None:
        """Tells the first that is away."""
        self._away.add(name)
        self._tell("store.unreachable", self._log.warning, fields)

    def _tell(self, event: str, write: Any, fields: dict[str, Any]) -> None:
        if self._told != event:
            self._told = event
            write(event, **fields)


class ConnectionLog:
    """The log of one connection; what is no outage goes on to the other log."""

    def __init__(self, outages: Outages, log: Logger, name: str) -> None:
        self._outages, self._log, self._name = outages, log, name
        self.debug, self.error = log.debug, log.error

    def info(self, event: str, **fields: Any) -> Any:
        """Tells that the connection is there, the only news."""
        del event
        self._outages.reachable(self._name, **fields)

    def warning(self, event: str, **fields: Any) -> Any:
        """Tells that the connection is away; any other warning goes on."""
        if event == "store.unreachable":
            self._outages.unreachable(self._name, **fields)
        else:
            self._log.warning(event, **fields)
