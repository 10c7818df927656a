"""The route that a request without one may have meant, for the log."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from proxy.config.model import RouteSettings

LONGEST = 256
"Bytes of a path that are compared, because anyone can send a long one."
SHOWN = 100
"Characters shown of a route's path."


def nearest_route(routes: Iterable[RouteSettings], path: bytes, host: str) -> str:
    """Returns a sentence that names the route whose path is most like this one, and its host if that differs."""
    text = path[:LONGEST].decode("latin-1").lower()
    nearest = max(routes, key=lambda each: _likeness(each.path.lower(), text))
    elsewhere = f" for host {nearest.host}" if nearest.host not in {None, host} else ""
    shown = nearest.path if len(nearest.path) <= SHOWN else f"{nearest.path[:SHOWN]}…"
    return f"The nearest route is {nearest.name}, with path {shown or '/'}{elsewhere}."


def _likeness(prefix: str, path: str) -> float:
    """Returns a number from 0 to 1; the path may have further segments before or after the prefix."""
    begin = "/".join(path.split("/")[: prefix.count("/") + 1])
    return max(SequenceMatcher(None, prefix, part).ratio() for part in (begin, path))
