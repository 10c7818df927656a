"""What the event stream looks at: each says what has changed since the last look."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from proxy.console.summaries import summary
from proxy.console.traffic import Entry, Traffic
from proxy.outbox.outboxes import Outboxes

MOST: Final = 20
"Exchanges of one event; the rest is counted."

to_json = partial(json.dumps, ensure_ascii=True, separators=(",", ":"))


class LiveTraffic:
    """Finished exchanges."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._seen = 0
        self._dropped = 0

    def forget(self) -> None:
        """Counts from now on."""
        self._seen, self._dropped = self._traffic.total, 0

    def changed(self) -> Iterator[str] | None:
        """Returns the newest exchanges, each a piece, and how many more there were so far."""
        traffic = self._traffic
        if traffic.total == self._seen:
            return None
        entries = traffic.newest(MOST, after=self._seen)
        self._dropped += traffic.total - self._seen - len(entries)
        self._seen = traffic.total
        return self._pieces(entries, self._dropped)

    def _pieces(self, entries: list[Entry], dropped: int) -> Iterator[str]:
        before = '{"exchanges":['
        for entry in entries:
            yield before + to_json(summary(self._traffic.identifier(entry), entry[1], entry[2]))
            before = ","
        yield f'],"dropped":{dropped}}}'


class LiveContent:
    """What is shown again as a whole when something in it has changed."""

    def __init__(self, look: Callable[[], object], content: Callable[[], dict[str, Any]]) -> None:
        """`look` returns a value that differs if the content has changed."""
        self._look, self._content = look, content
        self._seen: object = None

    def forget(self) -> None:
        """Counts from now on."""
        self._seen = self._look()

    def changed(self) -> Iterator[str] | None:
        """Returns the content, if it has changed."""
        present = self._look()
        if present == self._seen:
            return None
        self._seen = present
        return iter((to_json(self._content()),))


class LiveOutbox:
    """Routes whose messages have changed; the page asks for their numbers."""

    def __init__(self, outboxes: Outboxes) -> None:
        self._routes = set[str]()
        outboxes.watch(self._routes.add)

    def forget(self) -> None:
        """Counts from now on."""
        self._routes.clear()

    def changed(self) -> Iterator[str] | None:
        """Returns the names of the routes."""
        if not self._routes:
            return None
        found = sorted(self._routes)
        self._routes.clear()
        return iter((to_json({"routes": found}),))
