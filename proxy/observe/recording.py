"""The seam between an exchange whose route is recorded and what keeps its fields and bodies."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Protocol


class ExchangeRecording(Protocol):
    """Gets the parts of one exchange as they pass. It never raises, and never waits."""

    def request_piece(self, octets: bytes) -> None:
        """A part of the request's body, as the sender sent it."""
        ...

    def answered(self, head: bytes) -> None:
        """The head of the answer, as the sender gets it."""
        ...

    def answer_piece(self, octets: bytes) -> None:
        """A part of the answer's body."""
        ...


BeginRecording = Callable[[list[tuple[bytes, bytes]], AbstractSet[str]], ExchangeRecording]
"Begins with the sender's fields, and the lower-case names of those that hold a credential."
