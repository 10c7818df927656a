"""Where `send` writes an answer: standard output or a file, unchanged or, on a terminal, indented."""

import os
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import click

from proxy.cli.columns import tell
from proxy.cli.pretty import pretty
from proxy.observe.log_format import printable
from proxy.trial.embedded_proxy import SendResult


class AnswerOutput:
    """Writes the answer as it arrives. On a terminal it is kept, and shown after the report."""

    def __init__(self, file: Path | None, *, include: bool) -> None:
        """`file` replaces standard output; OSError if it cannot be written. `include` writes the head, too."""
        self._include = include
        self._shown = BytesIO() if (file is None or str(file) == "-") and sys.stdout.isatty() else None
        self._stream = sys.stdout.buffer if file is None or str(file) == "-" else file.open("wb")
        self._output = Output(self._stream)

    def headed(self, sent: SendResult) -> None:
        """Writes the head, if it is wanted."""
        if self._include and self._shown is None:
            self._output.write("\r\n".join([*sent.head, "", ""]).encode("latin-1"))

    def write(self, piece: bytes) -> None:
        """Writes a piece of the content."""
        if self._shown is None:
            self._output.write(piece)
        else:
            self._shown.write(piece)

    def close(self, sent: SendResult) -> None:
        """Shows the answer on a terminal; prints why it could not be written elsewhere."""
        if self._shown is not None:
            head = ["", *map(printable, sent.head)] if self._include else []
            click.echo("\n".join([*head, "", pretty(self._shown.getvalue(), sent.media_type, sent.charset)]))
        self._output.close()
        if self._stream is not sys.stdout.buffer:
            self._stream.close()


class Output:
    """A stream whose failures do not affect the message."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._failure: OSError | None = None

    def write(self, piece: bytes) -> None:
        """Writes until the first failure."""
        if self._failure is None:
            try:
                self._stream.write(piece)
                self._stream.flush()
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Prints the failure, unless the reader has just closed the pipe."""
        if self._failure is None:
            return
        if not isinstance(self._failure, BrokenPipeError):
            tell(f"The answer could not be written: {self._failure.strerror}.")
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # else Python flushes again at exit, and fails


def conversation(forwarded: Sequence[Sequence[str]], sent: SendResult) -> str:
    """Returns the heads as curl marks them: > of each request that was forwarded, < of the answer."""
    lines = [f"> {line}".rstrip() for head in forwarded for line in [*head, ""]] or ["> (nothing was forwarded)"]
    lines += [f"< {line}".rstrip() for line in [*sent.head, ""]] if sent.status else ["< (no answer)"]
    return "\n".join(map(printable, lines))
