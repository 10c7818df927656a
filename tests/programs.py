"""The programs beside Python that tests run, and the Debian packages that contain them.

A test names what it needs: `@pytest.mark.needs("php")`. If that is missing, the test is skipped. In CI it
fails, unless Debian does not have the program. `python3 tests/programs.py` prints the packages that are missing;
`.ci/run` installs them.
"""

import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shutil import which

TOMCAT = Path("/usr/share/tomcat10")
"Where Debian installs Tomcat."
FONTS = Path("/usr/share/fonts")
"Where Debian installs fonts, without which a browser shows no text."
NEWMAN = Path(__file__).parents[1] / ".venv/newman/node_modules/.bin/newman"
"Where `make test` installs Postman's runner."
CONSOLE_CHECKS = Path(__file__).parents[1] / ".venv/console/node_modules"
"Where `make` installs what checks the console's pages."

BROWSERS = Path(__file__).parents[1] / ".venv/browsers"
"Where `make chromium` installs Playwright's own."


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to find a program, and the Debian packages that contain it."""

    is_there: Callable[[], object]
    packages: str = ""
    is_required: bool = True
    "Whether CI needs it."


def on_path(name: str, packages: str = "", *, is_required: bool = True) -> Program:
    """A program that is found by its name."""
    return Program(is_there=partial(which, name), packages=packages, is_required=is_required)


def newman() -> str:
    """The command: as $NEWMAN says, where `make test` installs it, or on PATH; empty if there is none."""
    return os.environ.get("NEWMAN") or (str(NEWMAN) if NEWMAN.exists() else which("newman") or "")


def postgresql() -> Path | None:
    """The folder of PostgreSQL's server programs: as $PGBIN says, where Debian installs them, or on PATH."""
    if named := os.environ.get("PGBIN"):
        return Path(named)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    initdb = found[-1] if found else which("initdb")
    return Path(initdb).parent if initdb else None


def pgbouncer() -> str:
    """The pooler, which Debian does not install on everybody's PATH; empty if there is none."""
    return which("pgbouncer") or which("pgbouncer", path="/usr/sbin") or ""


def axe() -> Path:
    """The script that finds what assistive technology stumbles over, where `make test` installs it."""
    return CONSOLE_CHECKS / "axe-core/axe.min.js"


def chromium() -> str:
    """The browser: as $CHROMIUM says, Playwright's own, or on PATH; empty without one, or without what drives it.

    The headless shell is preferred, because it takes half the time.
    """
    own = next(BROWSERS.glob("chromium_headless_shell-*/*/*headless?shell"), "")
    on_path = filter(None, map(which, ("chromium-headless-shell", "chromium", "chromium-browser")))
    found = os.environ.get("CHROMIUM") or str(own) or next(on_path, "")
    return found if find_spec("playwright") else ""


def compiles() -> bool:
    """Whether there is a C compiler, with what extensions of this Python need."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return bool(which(compiler)) and Path(sysconfig.get_path("include"), "Python.h").exists()


PROGRAMS = {
    "axe-core": Program(is_there=lambda: axe().exists()),  # `make test` has npm install it
    "bash": on_path("bash", "bash"),
    "C compiler": Program(is_there=compiles, packages="gcc libc6-dev python3-dev"),
    "chromium": Program(is_there=chromium, packages="chromium-headless-shell fonts-dejavu-core"),
    "curl": on_path("curl", "curl"),
    "ensurepip": Program(is_there=partial(find_spec, "ensurepip"), packages="python3-venv"),
    "fonts": Program(is_there=lambda: next(FONTS.rglob("*.[ot]tf"), None), packages="fonts-dejavu-core"),
    "git": on_path("git", "git"),
    "groff": on_path("groff", "groff-base"),
    "helm": on_path("helm", is_required=False),  # Debian does not have it
    "javac": on_path("javac", "default-jdk-headless"),
    "kill": on_path("kill", "procps"),
    "make": on_path("make", "make"),
    "mono": Program(is_there=lambda: which("mcs") and which("mono"), packages="mono-mcs mono-runtime"),
    "newman": Program(is_there=lambda: newman() and which("node")),  # `make test` has npm install it
    "node": on_path("node", "nodejs"),
    "npm": on_path("npm", "nodejs npm"),
    "pgbouncer": Program(is_there=pgbouncer, packages="pgbouncer"),
    "php": on_path("php", "php-cli"),
    "postgresql": Program(is_there=postgresql, packages="postgresql"),
    "promtool": on_path("promtool", "prometheus"),
    "systemd-analyze": on_path("systemd-analyze", "systemd"),
    "Tomcat 10": Program(is_there=lambda: TOMCAT.exists() and which("java"), packages="tomcat10-user"),
}


def missing(names: Iterable[str]) -> Iterator[tuple[str, Program]]:
    """Those of these programs that are not there."""
    for name in names:
        if not PROGRAMS[name].is_there():
            yield name, PROGRAMS[name]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{each.packages}\n" for _, each in missing(PROGRAMS) if each.packages))
