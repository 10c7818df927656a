"""The base of all models of the configuration."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the configuration: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yields all models that are derived from it."""
    for child in model.__subclasses__():
        yield child
        yield from descendants(child)
