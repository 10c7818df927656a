"""Names of series and labels in Prometheus' queries."""

import re

from tests.deploy.exposed import LABELS, PROMETHEUS

_SERIES = re.compile(r"\b((?:cpi_proxy_|up\b)\w*)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_KEPT = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def series(query: str) -> set[str]:
    """What a query is about."""
    return {found[1] for found in _SERIES.finditer(query)}


def kept(query: str) -> set[str]:
    """By grouping, else by series."""
    groups = [set(re.split(r"\s*,\s*", found[1])) for found in _KEPT.finditer(query)]
    own = (LABELS.get(name, frozenset()) | PROMETHEUS for name in series(query))
    return set.intersection(*groups) if groups else set().union(*own)


def unknown(query: str) -> set[str]:
    """To the product, or for these series."""
    known = LABELS | {"up": frozenset()}
    found = series(query) - known.keys()
    for each in _SERIES.finditer(query):
        found |= set(_MATCHER.findall(each[2] or "")) - known.get(each[1], frozenset()) - PROMETHEUS
    labels = PROMETHEUS.union(*(known.get(name, frozenset()) for name in series(query)))
    return found.union(*(set(re.split(r"\s*,\s*", group[1])) - labels for group in _KEPT.finditer(query)))
