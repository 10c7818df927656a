"""Parts of pages that are made from the source, between comments with their names."""

import re
from pathlib import Path

from tests.docs import diagnoses, measures, options
from tests.docs.pages import read

MAKERS = {
    "options": options.option_tables,
    "presets": options.preset_table,
    "variables": options.variable_table,
    "diagnoses": diagnoses.diagnosis_table,
    "metrics": measures.metric_table,
}
_PART = re.compile(r"<!-- made by `make docs`: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def part_names(page: Path) -> list[str]:
    """Of a page."""
    return _PART.findall(read(page))


def renewed(text: str) -> str:
    """With all parts made now."""
    return _PART.sub(
        lambda found: f"<!-- made by `make docs`: {found[1]} -->\n\n{MAKERS[found[1]]()}\n\n<!-- end -->", text
    )
