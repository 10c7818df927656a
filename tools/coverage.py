"""What the tests covered: `python -m tools.coverage`, after `pytest --cov`.

Of the whole nearly everything, and of the modules that decide everything: which those are stands in pyproject.toml, in
the import-linter's contract about them.
"""

import io
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from coverage import Coverage

AT_LEAST = 95.0
"Per cent of all lines and branches."
CONTRACT = "decisions are pure"
ROOT = Path(__file__).parents[1]


def main() -> int:
    """Combines what workers and subprocesses left, prints the report, and says what is missing; the exit status."""
    measured = Coverage(config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    measured.combine()
    measured.save()
    total = measured.report()
    faults = [f"The tests cover {total:.1f} % in all; {AT_LEAST:g} % are needed."] if total < AT_LEAST else []
    faults += [f"{path} decides, and the tests cover {share:.1f} % of it." for path, share in partly_covered(measured)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def partly_covered(measured: Coverage) -> Iterator[tuple[str, float]]:
    """Each pure module with less than 100 %."""
    for module in pure_modules():
        path = f"{module.replace('.', '/')}.py"
        share = measured.report(include=[path], file=io.StringIO())
        if share < 100:
            yield path, share


def pure_modules() -> list[str]:
    """The modules that the contract is about."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (modules,) = [each["source_modules"] for each in contracts if each["name"] == CONTRACT]
    return list(modules)


if __name__ == "__main__":
    sys.exit(main())
