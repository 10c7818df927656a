"""Starts processes whose disk fails as a test wants it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class FailingDisk:
    """The library of shim.c, and a folder for what the process does."""

    library: Path
    folder: Path

    @property
    def log(self) -> Path:
        """What the process did to its disk."""
        return self.folder / "log"

    @property
    def outbox(self) -> Path:
        """The folder that is watched."""
        return self.folder / "outbox"

    def run(self, module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a module of tests/system/disk with this disk, to its end."""
        self.outbox.mkdir(exist_ok=True)
        command = [sys.executable, "-m", f"tests.system.disk.{module}", str(self.outbox), *map(str, arguments)]
        environment = os.environ | {"LD_PRELOAD": str(self.library)}
        return subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)

    def work(self, *arguments: object) -> None:
        ended = self.run("workload", "--log", self.log, *arguments)
        assert ended.returncode == 0, ended.stderr


def compile_shim(folder: Path) -> Path:
    """Compile the library."""
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library
