"""Are vulnerabilities known of what the proxy runs on? `python -m tools.audit`, a part of `make check`.

pip-audit asks PyPI about what constraints.lock has of the proxy's own requirements; development tools are left out. A
vulnerability fails. Where the service does not answer, or does not know a distribution, this is said, and nothing
fails. Options of pip-audit that are given are passed on.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = "cpi-oauth-proxy"
PATIENCE = 15.0
"Seconds for all questions together."
OPTIONS = ("--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=3")
UNANSWERED = re.compile(
    r"(?:requests\.exceptions|pip_audit\._service\.interface)\.(\w+)|ERROR:.*(network may be blocking)"
)
"How the last line begins that pip-audit writes when the service cannot be asked."


def main(options: Iterable[str], *, patience: float = PATIENCE) -> int:
    """Asks, and tells what was found; the exit status."""
    pins = sorted(locked(runtime(), (ROOT / "constraints.lock").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("\n".join(pins) + "\n")
        command = (sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", str(file), *options)
        try:
            asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
        except subprocess.TimeoutExpired:
            return untold(f"no answer within {patience:g} s")
    if asked.stdout.startswith("{"):
        return judge(json.loads(asked.stdout)["dependencies"])
    if reason := UNANSWERED.match(asked.stderr.strip().rpartition("\n")[2]):
        return untold(reason[1] or reason[2])
    sys.stderr.write(asked.stderr)
    return 1


def runtime() -> dict[str, set[str]]:
    """What the proxy needs here, with spans too, and what that needs: canonical names, with their extras."""
    found: dict[str, set[str]] = {}
    wanted = [(PROJECT, ""), (PROJECT, "otel")]
    while wanted:
        name, extra = wanted.pop()
        if extra in found.setdefault(name, set()):
            continue
        found[name].add(extra)
        for each in map(Requirement, distribution(name).requires or ()):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                wanted += [(canonicalize_name(each.name), more) for more in ("", *each.extras)]
    del found[PROJECT]
    return found


def locked(names: Iterable[str], lock: str) -> Iterator[str]:
    """The lock's pins of these names; KeyError for one that is not there."""
    lines = (line.partition(" ")[0] for line in lock.splitlines() if not line.startswith("#"))
    pins = {canonicalize_name(pin.partition("==")[0]): pin for pin in lines if pin}
    yield from (pins[canonicalize_name(name)] for name in names)


def judge(dependencies: Iterable[Mapping[str, Any]]) -> int:
    """One line for each vulnerability, and one for all that the service does not know; the exit status."""
    dependencies = list(dependencies)
    faults = [(each, fault) for each in dependencies for fault in each.get("vulns", ())]
    for each, fault in faults:
        mended = ", ".join(fault["fix_versions"]) or "no version"
        sys.stderr.write(f"{each['name']} {each['version']} has {fault['id']}, mended in {mended}.\n")
    unknown = [each["name"] for each in dependencies if "skip_reason" in each]
    if len(unknown) == len(dependencies):
        untold("the service knows none of the distributions")
    elif unknown:
        sys.stdout.write(f"The audit left out what the service does not know: {', '.join(unknown)}.\n")
    elif not faults:
        sys.stdout.write(
            f"No vulnerability is known of the {len(dependencies)} distributions that the proxy runs on.\n"
        )
    return 1 if faults else 0


def untold(reason: str) -> int:
    """Says that nothing is known; exit status 0, for that is nobody's fault here."""
    sys.stdout.write(f"The audit of dependencies could not be made: {reason}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
