"""What all rooms know of fields: the grammar of tokens (RFC 9110 §5.6.2), and that names have no case (§5.1)."""

from collections.abc import Iterable
from typing import AnyStr

TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
"`tchar`, as the inside of the brackets of a regular expression."


def values_of(fields: Iterable[tuple[AnyStr, AnyStr]], name: AnyStr) -> list[AnyStr]:
    """Returns the values of all fields of this name, which is in lower case, in their order."""
    return [value for each, value in fields if each.lower() == name]
