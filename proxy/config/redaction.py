"""Which words of a configuration may be shown: a slip can make a key of a secret (`{client_secret:s3cr3t}`)."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache

from pydantic import BaseModel

from proxy.config.base import Model, descendants
from proxy.config.checked_text import OWN_FIELDS, OWN_PARAMS, check_name
from proxy.config.document import General, OAuthClientEntry, RouteEntry

HIDDEN = "…"
_EXTENSION = re.compile(r"X(?:-[A-Za-z]+)+")
"What fields of one's own are called."
_PARTS = {"oauth_clients", "routes"}
CLOSE, FURTHER = 0.8, 2
"How much of a word has to be in a known one, and how much longer or shorter it may be: no secret fits in between."


def shown(steps: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The location as people may see it: options, also misspelt ones, indices and names of OAuth clients."""
    named = steps[:2] if len(steps) > 2 and steps[0] == "oauth_clients" and _is_name(steps[1]) else ()
    return named + tuple(step if _is_option(step) else HIDDEN for step in steps[len(named) :])


def is_close(word: str, known: Collection[str]) -> bool:
    """Whether the word is a known one or a misspelling of it, and nothing else."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=CLOSE)
    return bool(found) and abs(len(found[0]) - len(word)) <= FURTHER


def _is_option(step: str | int) -> bool:
    if isinstance(step, int):
        return True
    plain = re.sub(r"[^a-z0-9]", "", step.lower())
    return plain in OWN_FIELDS or bool(_EXTENSION.fullmatch(step)) or is_close(step, _options())


def _is_name(step: str | int) -> bool:
    """Whether it can be the name of an OAuth client; one that holds no options may be anything."""
    try:
        return bool(check_name(str(step)))
    except ValueError:
        return False


@cache
def _options() -> frozenset[str]:
    """What the options of all parts are called."""
    models: set[type[BaseModel]] = {General, OAuthClientEntry, RouteEntry, *descendants(Model)}
    return frozenset(name for model in models for name in model.model_fields) | _PARTS | OWN_PARAMS.keys()
