"""What every command relies on: no core dumps, and open standard streams."""

import os
import resource
import sys


def forbid_core_dumps() -> None:
    """A core dump would contain tokens and secrets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def open_standard_streams() -> None:
    """Opens /dev/null in place of closed streams, or the next file or socket would get their descriptors."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            while (opened := os.open(os.devnull, os.O_RDWR)) < number:
                pass  # a lower stream was closed too
            setattr(sys, name, os.fdopen(opened, mode))
