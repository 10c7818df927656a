"""No command leaves a core dump."""

import resource


def forbid_core_dumps() -> None:
    """A dump would hold tokens and secrets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
