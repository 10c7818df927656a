"""Validates plain values with the file's models, and reports pydantic's errors as problems."""

import difflib
import inspect
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from proxy.config.base import Model
from proxy.config.problems import Location, Problems
from proxy.config.redaction import is_quotable

M = TypeVar("M", bound=Model)

_SENTENCES = {
    "missing": "is missing; add it",
    "string_type": "is not text; put it in quotes",
    "path_type": "is not a path; put it in quotes",
    "bytes_type": "is not text; put it in quotes",
    "tuple_type": "is not a list; write [a, b], or a line with a dash for each item",
    "frozen_set_type": "is not a list; write [a, b], or a line with a dash for each item",
    "dict_type": "is not a mapping; write its options as `name: value` lines below it, with more indent",
    "model_type": "is not a mapping; write its options as `name: value` lines below it, with more indent",
    "too_short": "is empty; write at least one, or remove the key",
    "greater_than": "is too small; write more than {gt:g}",
    "greater_than_equal": "is too small; write at least {ge:g}",
    "enum": "is not known; write one of {expected}",
    "value_error": "{error}",
}


def validated(
    model: type[M], written: Any, location: Location, problems: Problems, *, folder: Path | None = None
) -> M | None:
    """Returns the model of what was written; None if that is not a mapping.

    Invalid fields are reported and left out, so that further rules can check the rest: no field is required.
    """
    if not isinstance(written, Mapping):
        problems.add(location, _SENTENCES["model_type"])
        return None
    context = {"folder": folder} if folder else None
    try:
        return model.model_validate(written, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    for detail in details:
        if not any(_within(other["loc"], detail["loc"]) for other in details):
            _note(detail, model, location, problems)
    wrong = {detail["loc"][0] for detail in details}
    return model.model_validate({key: value for key, value in written.items() if key not in wrong}, context=context)


def nearest(word: str, known: Collection[str]) -> str:
    """Returns half a sentence that leads from an unknown word to known ones."""
    found = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(sorted(known)) or 'none'}"


def carried_over(entry: Model, options: type[Model]) -> dict[str, Any]:
    """Returns the fields that the entry has in common with the resolved value."""
    return {name: getattr(entry, name) for name in options.model_fields}


def _note(detail: ErrorDetails, model: type[Model], location: Location, problems: Problems) -> None:
    place = (*location, *detail["loc"])
    if detail["type"] == "extra_forbidden":
        problems.add(place, f"unknown key; {nearest(str(place[-1]), _model_at(model, detail['loc']).model_fields)}")
    else:
        origin = problems.origin
        written = place if detail["type"] == "missing" else origin.written(origin.placed(place))
        sentence = _SENTENCES.get(detail["type"], "is not valid here; see the example file")
        field = _field_at(model, detail["loc"])
        value = origin.quoted(written) if field and is_quotable(field.annotation, *field.metadata) else ""
        problems.add(written, value + sentence.format(**detail.get("ctx", {})))


def _within(inner: Location, outer: Location) -> bool:
    """Whether one is a part of the other: pydantic also reports a list as too short if its items are invalid."""
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _model_at(model: type[Model], location: Location) -> type[Model]:
    """Returns the model that has the last step of the location as a key; steps that are not fields are skipped."""
    for step in location[:-1]:
        field = model.model_fields.get(str(step))
        model = next(_models_in(field.annotation), model) if field else model
    return model


def _field_at(model: type[Model], location: Location) -> FieldInfo | None:
    """Returns the innermost field of the location; further steps are its items, or the keys of a mapping in it."""
    found = None
    for step in location:
        field = model.model_fields.get(str(step))
        if field:
            found, inner = field, next(_models_in(field.annotation), None)
            if inner is None:
                break
            model = inner
    return found


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    """Yields the models in a type, as in `tuple[ListenerSettings, ...] | None`."""
    if inspect.isclass(annotation) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
