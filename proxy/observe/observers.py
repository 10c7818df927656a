"""Observers of exchanges: each is called when an exchange ends, some also when one begins."""

from typing import Protocol

from proxy.observe.exchange_record import ExchangeRecord


class ExchangeObserver(Protocol):
    """The log, the metrics, or anything else that looks at finished exchanges."""

    def finished(self, record: ExchangeRecord) -> None:
        """Reads the record of a finished exchange, or of a request that was refused before it became one."""
        ...


class HeadFields(Protocol):
    """The fields of a request head."""

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """Returns names and values as they were received."""
        ...


class ObservedHead(Protocol):
    """The head of a request, as an observer sees it."""

    @property
    def fields(self) -> HeadFields:
        """All fields, in order."""
        ...

    @property
    def minor(self) -> int:
        """The minor version of HTTP/1.x."""
        ...


class BeginningObserver(ExchangeObserver, Protocol):
    """An observer that acts on a request before it is routed."""

    def began(self, record: ExchangeRecord, head: ObservedHead, *, secure: bool) -> None:
        """Prepares the record; `secure` means that the request arrived over TLS."""
        ...
