"""deploy/grafana: everything that is counted is on the dashboard."""

import json
import re
from typing import Any

from tests.cases import cases
from tests.deploy.exposed import FAMILIES, LABELS
from tests.deploy.product import DEPLOY
from tests.deploy.promql import kept, series, unknown

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))
PANELS: dict[str, Any] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
QUERIES: dict[str, Any] = {title: panel["targets"] for title, panel in PANELS.items() if panel["type"] != "text"}
VARIABLES: dict[str, Any] = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
BUILT_IN = {"__rate_interval"}


def test_it_begins_with_what_to_look_at() -> None:
    """Its panels exist."""
    first = DASHBOARD["panels"][0]
    place = first["gridPos"]
    assert (first["type"], first["options"]["mode"], place["x"], place["y"], place["w"]) == (
        "text",
        "markdown",
        0,
        0,
        24,
    )
    named = {each.removesuffix(".") for each in re.findall(r"\*\*(.+?)\*\*", first["options"]["content"])}
    assert len(named) > 5
    assert named <= QUERIES.keys()


@cases("title", *QUERIES)
def test_a_panel_asks_for_what_there_is(title: str) -> None:
    """By variables of the dashboard."""
    for target in QUERIES[title]:
        query = target["expr"]
        assert series(query)
        assert unknown(query) == set()
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept(query)
        assert set(re.findall(r"\$(\w+)", query)) <= VARIABLES.keys() | BUILT_IN
        assert "$instance" in query


def test_everything_that_is_counted_is_shown() -> None:
    """Of a histogram its buckets."""
    shown = {name for targets in QUERIES.values() for target in targets for name in series(target["expr"])}
    assert {re.sub(r"_(?:total|bucket)$", "", name) for name in shown} == FAMILIES


def test_a_variable_offers_what_there_is() -> None:
    """By a label of the series."""
    for name in VARIABLES.keys() - {"datasource"}:
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", VARIABLES[name]["definition"])
        assert found is not None
        assert VARIABLES[name]["query"]["query"] == found[0]
        assert found[2] in LABELS[found[1]] | {"instance"}


def test_panels_lie_side_by_side() -> None:
    """Of 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in PANELS.values():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert taken.isdisjoint(cells)
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len(PANELS) == len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})
