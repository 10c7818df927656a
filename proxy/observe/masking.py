"""How a field that may contain a credential is shown: by its name only."""

MASK = "***"


def masked_field(line: str) -> str:
    """Returns the field line with *** in place of its value."""
    return f"{line.partition(':')[0]}: {MASK}"
