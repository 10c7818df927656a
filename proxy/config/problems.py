"""What is wrong with a configuration: each problem with its place, all of them in one error."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from proxy.config.redaction import quoted, shown
from proxy.observe.log_format import printable

Location = tuple[str | int, ...]
"Keys and indices from the top of the document."
Mistake = tuple[Location, str]
"A location, and what is wrong there."
_OPTION = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and what to do about it; shows no secret and no value of an unknown key."""

    file: str
    line: int | None
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.path, self.text) if part))


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` are in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSource:
    """The file or environment of a configuration, with the line of each part."""

    file: str
    lines: Mapping[Location, int] = field(default_factory=dict)
    variables: AbstractSet[Location] = frozenset()
    "Locations whose text has something of a variable."
    names: Mapping[str, str] = field(default_factory=dict)
    "Names of options that differ from those in a file: the variables of the environment."
    values: Mapping[Location, str] = field(default_factory=dict, repr=False)
    "Scalars as written, if no variable is in them."

    @property
    def made_of_variables(self) -> bool:
        """Whether the options are variables of the environment."""
        return bool(self.names)

    def quoted(self, location: Location) -> str:
        """Returns the value that was written there in quotes, with a space; nothing if it must not be shown."""
        value = self.values.get(location)
        return "" if value is None else quoted(value)

    def placed(self, location: Location) -> Location:
        """Returns the location without an index that was not written: one item may be written in place of a list."""
        alone = location[1:2] == (0,) and location[:1] in self.lines and location[:2] not in self.lines
        return location[:1] + location[2:] if alone else location

    def written(self, location: Location) -> Location:
        """Returns the innermost part of the location that was written."""
        while location and location not in self.lines:
            location = location[:-1]
        return location

    def problem(self, location: Location, text: str) -> Problem:
        """Returns a problem with what is, or should be, at the location; options in the text are in backquotes.

        If the options are variables, the text names these; an option without a variable needs a file.
        """
        named = next((self.names[str(step)] for step in reversed(location) if str(step) in self.names), None)
        text = _OPTION.sub(self._name, text)
        line = self.lines.get(self.written(location))
        return Problem(file=self.file, line=line, path=named or spelled(location), text=text)

    def _name(self, found: re.Match[str]) -> str:
        """Returns an option in backquotes by the name that it has here."""
        option = found[1]
        in_a_file = " (in a file)" if self.made_of_variables and option not in self.names else ""
        return f"`{self.names.get(option, option)}`{in_a_file}"


class Problems:
    """Collects the problems of one configuration: the first at each place, because others often follow from it."""

    def __init__(self, origin: DocumentSource) -> None:
        self.origin = origin
        self._found: dict[Location, Problem] = {}

    def add(self, location: Location, text: str) -> None:
        """Records what is wrong there."""
        location = self.origin.placed(location)
        self._found.setdefault(location, self.origin.problem(location, text))

    def end(self) -> None:
        """Raises ConfigurationError with all problems, if there are any."""
        if self._found:
            found = dict.fromkeys(self._found.values())
            raise ConfigurationError(tuple(sorted(found, key=lambda problem: problem.line or 0)))


def spelled(location: Location) -> str:
    """Returns the location as users write it: `routes[0].timeout`; a key that may be a secret is hidden."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown(location))
    return "".join(steps).removeprefix(".")
