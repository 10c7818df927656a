"""The event loop of a command, and the signals that end it."""

import asyncio
import signal


def loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    """Uvloop's loop where the platform has it, else asyncio's own."""
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop


def signalled() -> asyncio.Event:
    """Set on SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
