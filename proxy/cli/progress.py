"""Progress on standard error, shown only on a terminal: a spinner for an answer, a bar for what has a length."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

DELAY = 0.5
"Seconds before the spinner appears: most messages need less."


class Seconds(ProgressColumn):
    """Whole seconds since the start."""

    def render(self, task: Task) -> Text:
        """Returns them, with the unit."""
        return Text(f"{(task.elapsed or 0):.0f} s")


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """Returns a progress bar on standard error, hidden unless that is a terminal."""
    return _transient(BarColumn(), *columns, shown=shown)


@contextmanager
def spinner(*, shown: bool = True) -> Iterator[None]:
    """Shows a spinner with seconds while the block runs, after a short delay."""
    waiting = _transient(SpinnerColumn("line"), TextColumn("waiting for the answer"), Seconds(), shown=shown)
    waiting.add_task("", total=None)
    starting = asyncio.get_running_loop().call_later(DELAY, waiting.start)
    try:
        yield
    finally:
        starting.cancel()
        if waiting.live.is_started:
            waiting.stop()


def _transient(*columns: ProgressColumn, shown: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
        redirect_stdout=False,
        redirect_stderr=False,
    )
