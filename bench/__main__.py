"""`python -m bench [NAME …]`, or `make bench SUITES="NAME …"`: what the proxy costs, measured here and now."""

import sys
from collections.abc import Callable

from bench import flood, micro, outbox, page, replicas, scale, side_by_side, trouble
from bench.table import say
from tests.system.command import Command

BENCHMARKS: dict[str, Callable[[], None]] = {
    "micro": micro.main,
    "compare": side_by_side.main,
    "flood": flood.main,
    "scale": scale.main,
    "page": page.main,
    "trouble": trouble.main,
    "replicas": replicas.main,
    "outbox": outbox.main,
}
"Each prints its own table."


def main(names: list[str]) -> None:
    """Runs the named benchmarks, without names all."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there is {', '.join(BENCHMARKS)}.")
    Command.is_new = True
    for name in names or BENCHMARKS:
        say(f"\n{name}\n")
        BENCHMARKS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
