"""How often a call asks Python's allocator for memory, which is nearly once for each object that it makes.

Counted in C (`allocations.c`), for what counts in Python would allocate, too; and compiled at need.
"""

import ctypes
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).with_name("allocations.c")
CALLS = 500


class Allocations:
    """OSError or CalledProcessError where there is no C compiler, or no headers of Python."""

    def __init__(self) -> None:
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "allocations.so")
            headers = sysconfig.get_path("include")
            command = [
                shutil.which(compiler) or compiler,
                "-O2",
                "-shared",
                "-fPIC",
                f"-I{headers}",
                "-o",
                library,
                SOURCE,
            ]
            subprocess.run(command, check=True, capture_output=True)
            self._counter = ctypes.PyDLL(str(library))

    def of(self, call: Callable[[], object]) -> float:
        """Of one call, on average over many: tables and free lists are filled before."""
        nothing = self._count(lambda: None)
        self._count(call)
        return (self._count(call) - nothing) / CALLS

    def _count(self, call: Callable[[], object]) -> int:
        numbers = range(CALLS)
        self._counter.begin()
        for _ in numbers:
            call()
        return int(self._counter.end())
