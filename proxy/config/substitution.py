"""`${NAME}` and `${NAME:-default}` in a text; `$${` is a plain `${`."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<body>[^}]*)(?P<end>\}?)")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


def substituted(text: str, environ: Mapping[str, str]) -> str:
    """Returns the text with the variables' values, which are not substituted again.

    A default replaces a variable that is unset or empty, as in a shell. ValueError names the variable that is unset and
    has no default, or says that a reference is malformed, and shows nothing else of the text. A name that is not in
    capitals is not shown, because it may be a secret in braces.
    """
    return _REFERENCE.sub(lambda found: _value(found, environ), text)


def has_variable(text: str) -> bool:
    """Whether the text refers to a variable."""
    return any(found["body"] is not None for found in _REFERENCE.finditer(text))


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found["body"] is None:
        return "${"
    reference = _BODY.fullmatch(found["body"])
    if not reference or not found["end"]:
        raise ValueError("has ${ without a variable; write ${NAME} or ${NAME:-default}, or $${ for a plain ${")
    name, default = reference["name"], reference["default"]
    if default is not None:
        return environ.get(name) or default
    if name not in environ:
        if name != name.upper():
            raise ValueError("needs a variable that is not set; set it, or write $${ for a plain ${")
        raise ValueError(f"needs the variable {name}, which is not set; set it or write ${{{name}:-default}}")
    return environ[name]
