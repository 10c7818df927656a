"""The base of all models of the configuration."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

QUOTABLE: Final = "quotable"
"In `Annotated`: options of the type can hold no secret, so a problem may quote a wrong value."


class Model(BaseModel):
    """A part of the configuration: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yields all models that are derived from it."""
    for child in model.__subclasses__():
        yield child
        yield from descendants(child)
