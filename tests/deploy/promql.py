"""As much of Prometheus' query language as names series and labels."""

import re

from tests.deploy.exposed import LABELS, PROMETHEUS

_SERIES = re.compile(r"\b((?:cpi_proxy_|up\b)\w*)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_KEPT = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def series(query: str) -> set[str]:
    """The series that a query is about."""
    return {found[1] for found in _SERIES.finditer(query)}


def kept(query: str) -> set[str]:
    """Those a query groups by, else those of its series."""
    groups = [set(re.split(r"\s*,\s*", found[1])) for found in _KEPT.finditer(query)]
    own = (LABELS.get(name, frozenset()) | PROMETHEUS for name in series(query))
    return set.intersection(*groups) if groups else set().union(*own)


def unknown(query: str) -> set[str]:
    """Series that the product does not have, and labels that these series do not have."""
    known = LABELS | {"up": frozenset()}
    found = series(query) - known.keys()
    for each in _SERIES.finditer(query):
        found |= set(_MATCHER.findall(each[2] or "")) - known.get(each[1], frozenset()) - PROMETHEUS
    labels = PROMETHEUS.union(*(known.get(name, frozenset()) for name in series(query)))
    return found.union(*(set(re.split(r"\s*,\s*", group[1])) - labels for group in _KEPT.finditer(query)))
