"""What became of the messages that met an event: a row of the table, and the promises that were broken."""

from collections import Counter
from dataclasses import dataclass

from bench.table import row
from bench.traffic import SILENT, Message

COLUMNS = (
    "load meets",
    "messages",
    "2xx",
    "own answers",
    "connection errors",
    "no answer",
    "doubled",
    "2xx, not arrived",
    "arrived, no 2xx",
    "p50 ms",
    "p99 ms",
    "max ms",
)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to which messages, and which outcomes it may have."""

    name: str
    messages: list[Message]
    may: tuple[str, ...]


def line(name: str, messages: list[Message], arrived: Counter[int]) -> str:
    """One row."""
    answered = [each for each in messages if each.connected]
    ends = Counter(each.outcome for each in messages if not each.connected)
    others = Counter(each.outcome for each in answered if not each.accepted and each.outcome != SILENT)
    millis = sorted(each.seconds * 1000 for each in messages)
    return row(
        (
            name,
            f"{len(messages)}",
            f"{sum(each.accepted for each in messages)}",
            listed(others),
            listed(ends),
            f"{sum(each.outcome == SILENT for each in messages)}",
            f"{len(doubled(messages, arrived))}",
            f"{len(missing(messages, arrived))}",
            f"{sum(not each.accepted and arrived[each.number] > 0 for each in messages)}",
            f"{millis[len(millis) // 2]:.1f}",
            f"{millis[len(millis) * 99 // 100]:.1f}",
            f"{millis[-1]:.1f}",
        )
    )


def listed(counts: Counter[str]) -> str:
    """How often what."""
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items())) or "0"


def failings(event: Event, arrived: Counter[int]) -> list[str]:
    """The promises that were broken, in words."""
    others = Counter(each.outcome for each in event.messages if each.outcome not in event.may)
    found = {
        f"outcomes that were not promised ({listed(others)})": others.total(),
        "messages that arrived twice": len(doubled(event.messages, arrived)),
        "2xx without arrival": len(missing(event.messages, arrived)),
    }
    return [f"{event.name}: {count} {what}" for what, count in found.items() if count]


def doubled(messages: list[Message], arrived: Counter[int]) -> list[Message]:
    """Those that arrived more than once."""
    return [each for each in messages if arrived[each.number] > 1]


def missing(messages: list[Message], arrived: Counter[int]) -> list[Message]:
    """Those that were accepted and did not arrive."""
    return [each for each in messages if each.accepted and not arrived[each.number]]
