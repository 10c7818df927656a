"""What all parts of the configuration have in common."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the configuration: frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All models that are derived from it."""
    for child in model.__subclasses__():
        yield child
        yield from descendants(child)
