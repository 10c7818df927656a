"""What all parts of the configuration have in common."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the configuration: frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
