"""Reads YAML into plain values, and remembers the line of each.

Scalars except booleans stay text as written: an id of digits, a date or `0123` is its characters. PyYAML's parser in C
is not used, because deeply nested text crashes it.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

import yaml

from proxy.config.problems import ConfigurationError, DocumentSource, Location, Problems
from proxy.config.substitution import has_variable, substituted

_MOST_NODES, _MOST_LEVELS = 100_000, 40
_TAG = "tag:yaml.org,2002:"
_TEXTS = {_TAG + kind for kind in ("str", "int", "float", "timestamp", "value", "merge")}
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_HARMLESS = re.compile(r"\\?.|<[a-z ]+>")
_GLUE = re.compile(r"[:=\s]")
"What separates key and value if the space after the colon is missing."
_TRUE = {"yes", "true", "on"}


def read_yaml(text: str, *, file: str, environ: Mapping[str, str]) -> tuple[dict[str, Any], Problems]:
    """Returns the mapping in the text, with variables substituted; ConfigurationError if it is not a mapping.

    The problems are those that leave the rest readable: a key twice, a missing value, an unset variable.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            _refuse(file, 1, "the file is empty or a list; begin with the lines `oauth_clients:` and `routes:`")
        return _Reader(file, environ).document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        wrong = _unquoted(error.problem or "cannot be read")
        _refuse(file, mark.line + 1 if mark else 1, f"not valid YAML: {wrong}; {_hint(wrong)}")
    except yaml.reader.ReaderError as error:
        _refuse(file, text.count("\n", 0, error.position) + 1, "not valid YAML: a control character; remove it")
    except (ValueError, OverflowError):
        _refuse(file, 1, "a \\U in double quotes does not name a character; double its backslash or use single quotes")
    except RecursionError:
        _refuse(file, 1, "the file is nested too deeply; no option needs more than a few levels")


def _refuse(file: str, line: int, wrong: str) -> NoReturn:
    raise ConfigurationError((DocumentSource(file=file, lines={(): line}).problem((), wrong),)) from None


def _hint(wrong: str) -> str:
    """Returns the usual reason for a message of PyYAML."""
    if "\\t" in wrong:
        return "indent with spaces, never with tabs"
    if "expected ',' or" in wrong:
        return "close each bracket and brace, and put commas between its items"
    return (
        "text that begins with one of *&!%@` or has ': ' or ' #' in it needs quotes, and lines of one level one indent"
    )


def _unquoted(wrong: str) -> str:
    """Returns PyYAML's message without quotations from the file, which may be secrets, except single characters."""
    return _QUOTED.sub(lambda found: found[0] if _HARMLESS.fullmatch(found[0][1:-1]) else "…", wrong)


class _Reader:
    """One walk over the nodes."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self._lines: dict[Location, int] = {}
        self._values: dict[Location, str] = {}
        self._environ = environ
        self._nodes = 0
        self._variables: set[Location] = set()
        source = DocumentSource(file=file, lines=self._lines, values=self._values, variables=self._variables)
        self.problems = Problems(source)

    def document(self, root: yaml.MappingNode) -> tuple[dict[str, Any], Problems]:
        """Returns the whole document; what is missing at the top is reported for the first line."""
        tree = self.mapping(root, ())
        self._lines.setdefault((), 1)
        return tree, self.problems

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """Returns the mapping; its own keys override those that it merges (`<<`)."""
        merges = [value for key, value in node.value if key.tag == _TAG + "merge"]
        own = [(key, value) for key, value in node.value if key.tag != _TAG + "merge"]
        values = self._merged(merges, location)
        seen: set[str] = set()
        for key, value in own:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._lines.setdefault(location, line)
                self.problems.add(location, "has a key that is not text; write key: value lines")
            elif key.value in seen:
                self.problems.add((*location, key.value), f"is written twice, again in line {line}; remove one")
            else:
                seen.add(key.value)
                values[key.value] = self._value(value, (*location, key.value), line)
        return values

    def _merged(self, merges: list[yaml.Node], location: Location) -> dict[str, Any]:
        """Returns the keys under `<<`: of a mapping, or of a list of mappings, where the first has precedence."""
        values: dict[str, Any] = {}
        others = [other for node in merges for other in _items(node)]
        for other in reversed(others):
            self._count(location, other.start_mark.line + 1)
            if isinstance(other, yaml.MappingNode):
                values |= self.mapping(other, location)
            else:
                self._lines.setdefault(location, other.start_mark.line + 1)
                self.problems.add(location, "merges (<<) something that is not a mapping; name the anchor of a mapping")
        return values

    def _value(self, node: yaml.Node, location: Location, line: int) -> Any:
        self._count(location, line)
        self._lines[location] = line
        self._values.pop(location, None)  # of a mapping that was merged (<<)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self._value(item, (*location, index), item.start_mark.line + 1) for index, item in items]
        return self._scalar(cast("yaml.ScalarNode", node), location)

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> str | bool | None:
        if "${" not in node.value and node.start_mark.line == node.end_mark.line:
            self._values[location] = node.value
        if node.tag == _TAG + "bool":
            return node.value.lower() in _TRUE
        if node.tag == _TAG + "null":
            glued = bool(_GLUE.search(str(location[-1])))
            wrong = "write a colon and a space after the key" if glued else "write one or remove the key"
            self.problems.add(location, f"has no value; {wrong}")
        elif node.tag not in _TEXTS:
            self.problems.add(location, "begins with !, which is a tag in YAML; put it in quotes")
        else:
            return self._substituted(node.value, location)
        return None

    def _substituted(self, text: str, location: Location) -> str | None:
        if has_variable(text):
            self._variables.add(location)
        try:
            return substituted(text, self._environ)
        except ValueError as error:
            self.problems.add(location, str(error))
            return None

    def _count(self, location: Location, line: int) -> None:
        """Limits the size, because aliases can make a short text endless: one within itself, or many of many."""
        self._nodes += 1
        if self._nodes > _MOST_NODES or len(location) > _MOST_LEVELS:
            wrong = "is too large here, because aliases (*) multiply what they name; write it out"
            _refuse(self.problems.origin.file, line, wrong)


def _items(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]
