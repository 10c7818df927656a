"""Which keys and values of a configuration may be shown.

A typo can turn a secret into a key (`{client_secret:s3cr3t}`), or put it behind the value of another option.
"""

import inspect
import re
from collections.abc import Collection
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import get_args

from pydantic import BaseModel

from proxy.config.base import QUOTABLE, Model, descendants
from proxy.config.checked_text import OWN_FIELDS, OWN_PARAMS, check_name
from proxy.config.document import General, OAuthClientEntry, RouteEntry

HIDDEN = "…"
_EXTENSION = re.compile(r"X(?:-[A-Za-z]+)+")
"The usual form of private field names."
_PLAIN = re.compile(r"(?!.*\s.*:)[\w .:/%,*?\\\[\]-]*")
"No other option that a slip has joined to this one, and no character that credentials have and these options do not."
LONGEST_QUOTED = 60
_PARTS = {"oauth_clients", "routes"}
CLOSE, FURTHER = 0.8, 2
"Similarity to a known word that is required, and difference in length that is allowed."


def shown(steps: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Hides all steps of a location but options (also misspelt ones), indices and names of OAuth clients."""
    named = steps[:2] if len(steps) > 2 and steps[0] == "oauth_clients" and _is_name(steps[1]) else ()
    return named + tuple(step if _is_option(step) else HIDDEN for step in steps[len(named) :])


def quoted(value: str) -> str:
    """Returns a wrong value in quotes; nothing if it looks like credentials, or like more than one option."""
    if not _PLAIN.fullmatch(value):
        return ""
    return f'"{value if len(value) <= LONGEST_QUOTED else value[: LONGEST_QUOTED - 1] + "…"}" '


def is_quotable(*parts: object) -> bool:
    """Whether options of these types, or with this metadata, can hold no secret."""
    return any(
        part is QUOTABLE or (inspect.isclass(part) and issubclass(part, StrEnum)) or is_quotable(*get_args(part))
        for part in parts
    )


def is_close(word: str, known: Collection[str]) -> bool:
    """Whether the word is a known one or a misspelling of one."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=CLOSE)
    return bool(found) and abs(len(found[0]) - len(word)) <= FURTHER


def _is_option(step: str | int) -> bool:
    if isinstance(step, int):
        return True
    plain = re.sub(r"[^a-z0-9]", "", step.lower())
    return plain in OWN_FIELDS or bool(_EXTENSION.fullmatch(step)) or is_close(step, _options())


def _is_name(step: str | int) -> bool:
    """Whether it can be the name of an OAuth client, which has options in it."""
    try:
        return bool(check_name(str(step)))
    except ValueError:
        return False


@cache
def _options() -> frozenset[str]:
    """Returns the names of all options."""
    models: set[type[BaseModel]] = {General, OAuthClientEntry, RouteEntry, *descendants(Model)}
    return frozenset(name for model in models for name in model.model_fields) | _PARTS | OWN_PARAMS.keys()
