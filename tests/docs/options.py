"""All options, from the models of the configuration."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from proxy.config import outbox, parsed_values, store, urls
from proxy.config.environment import _OPTIONS
from proxy.config.model import Admin, ListenerSettings
from proxy.config.presets import PRESETS, Preset
from proxy.config.problems import spelled
from proxy.config.schema import Document, descriptions
from tests.docs.pages import anchor
from tests.docs.tables import NOTHING, code, made

KINDS: dict[Any, str] = {
    parsed_values.parse_size: "size",
    parsed_values.parse_duration: "duration",
    parsed_values.parse_frequency: "`N/s`, `N/m`, `N/h`",
    parsed_values.parse_network: "network",
    parsed_values.parse_count: "whole number",
    parsed_values.parse_share: "0 to 1",
    parsed_values.parse_switch: "`true`, `false`",
    parsed_values.parse_address: "address",
    parsed_values._file_path: "file",
    outbox.parse_order: "`none`, `route`, `{field: NAME}`",
    store.check_postgres_url: "URL of PostgreSQL",
    urls.check_token_url: "URL",
    urls.check_upstream: "URL or path",
    urls.check_proxy_url: "URL, `direct`",
    urls.check_tunnel: "URL, `direct`",
}
LISTS = (tuple, frozenset, list)
PRESET = Preset.__dataclass_fields__


def option_tables() -> str:
    """Heading and table of each part, from the outside in."""
    return "\n\n".join(
        f"### {place or 'the file itself'}\n\n{opening(model)}{made(('option', 'values', 'default', 'meaning'), rows)}"
        for place, model, rows in ((place, model, list(rows_of(place, model))) for place, model in parts())
    )


def opening(model: type[BaseModel]) -> str:
    """What it is."""
    return "" if model is Document else f"{(model.__doc__ or '').splitlines()[0]}\n\n"


def parts(model: type[BaseModel] = Document, place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """By place, at each of them."""
    yield place, model
    for name, field in model.model_fields.items():
        if inner := part_in(field.annotation):
            yield from parts(inner, inner_place(place, name, field))


def inner_place(place: str, name: str, field: FieldInfo) -> str:
    """Of an option's value."""
    origin = get_origin(field.annotation)
    manner = ".NAME" if origin is dict else "[]" if origin is tuple else ""
    return f"{place}.{name}".removeprefix(".") + manner


def part_in(annotation: Any) -> type[BaseModel] | None:
    """An option's model, if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := part_in(each))), None)


def rows_of(place: str, model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """One for each option."""
    told, needed = descriptions(model), required(model)
    for name, field in own_first(model):
        if inner := part_in(field.annotation):
            where = inner_place(place, name, field)
            kind = f"[{where}](#{anchor(where)})"
            kind = f"{kind}, or an address" if inner in (ListenerSettings, Admin) else kind
        else:
            kind = kind_of(field.annotation, field.metadata)
        default = "needed" if name in needed else "[by `provider`](#presets)" if name in PRESET else default_of(field)
        yield code(name), kind, default, told[name]


def own_first(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Those that the resolved configuration lacks."""
    return sorted(model.model_fields.items(), key=lambda item: item[0] not in model.__annotations__)


def required(model: type[BaseModel]) -> set[str]:
    """In a file."""
    schema = model.model_json_schema()
    return set(schema.get("required", ()))


def kind_of(annotation: Any, metadata: Any = ()) -> str:
    """What may be written."""
    known = (kind for each in metadata if (kind := KINDS.get(getattr(each, "func", None))) is not None)
    return next(known, None) or kind_of_type(annotation)


def kind_of_type(annotation: Any) -> str:
    """By the type."""
    origin, inner = get_origin(annotation), [each for each in get_args(annotation) if each is not type(None)]
    if origin is Annotated:
        return kind_of(inner[0], annotation.__metadata__)
    if origin in (Union, UnionType):
        return kind_of(inner[0])
    if origin in LISTS:
        return f"list of {plural(kind_of(inner[0]))}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(code(str(each.value)) for each in annotation)
    return {dict: "mapping of text to text", SecretStr: "text, secret", Path: "file"}.get(origin or annotation, "text")


def plural(kind: str) -> str:
    """Of a kind."""
    return {"network": "networks", "text": "texts", "duration": "durations"}[kind]


def default_of(field: FieldInfo) -> str:
    """As a file would have it."""
    default = field.get_default(call_default_factory=True)
    if isinstance(default, Admin):
        return code(str(default.address))
    if default is None or isinstance(default, BaseModel):
        return NOTHING
    return code(written(default, kind_of(field.annotation, field.metadata)))


def written(value: Any, kind: str) -> str:
    """As in a file."""
    if kind == "size":
        return size(value)
    if kind == "duration":
        return duration(value)
    if kind == "list of durations":
        return f"[{', '.join(map(duration, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple) and value:
        return str(value[0].address)  # of `listen`, the only list that is not empty
    return {(): "[]"}.get(value, str(value)) if not isinstance(value, Mapping) else "{}"


def size(octets: int) -> str:
    """In the largest unit."""
    units = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
    return next((f"{octets // each}{name}" for each, name in units if octets and octets % each == 0), str(octets))


def duration(seconds: float) -> str:
    """In the largest whole unit."""
    units = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    return next(f"{seconds / each:g}{name}" for each, name in units if seconds % each == 0)


def preset_table() -> str:
    """For `provider`."""
    rows = [(code(name), *(code(getattr(preset, name).value) for preset in PRESETS.values())) for name in PRESET]
    return made(("option", *(code(provider.value) for provider in PRESETS)), rows)


def variable_table() -> str:
    """And their options."""
    rows = [(code(name), ", ".join(code(spelled(place)) for place in places)) for name, places in _OPTIONS.items()]
    return made(("variable", "stands for"), rows)
