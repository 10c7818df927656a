"""Checks the folder of the outboxes, without changing it: a running proxy may have it."""

import asyncio
import fcntl
import os
import shutil
from pathlib import Path

from proxy.config.model import Configuration
from proxy.config.parsed_values import spelled_size
from proxy.trial.checks import CheckFailed, CheckResult, ok, warning


async def check_folder(folder: Path, configuration: Configuration) -> CheckResult:
    """Checks owner, rights, room, and who has the folder."""
    wanted = sum(route.outbox.max_bytes for route in configuration.routes if route.outbox)
    return await asyncio.to_thread(_check, folder, wanted)


def _check(folder: Path, wanted: int) -> CheckResult:
    try:
        there = _existing(folder)
        _check_rights(folder, there)
        free = shutil.disk_usage(there).free
        holder = _holder(folder)
    except (OSError, ValueError) as error:
        raise CheckFailed(f"{folder}: {error}") from None
    state = holder or ("ready" if there == folder else "will be created")
    if free < wanted:
        return warning(
            f"{folder}: {spelled_size(free)} are free, but outboxes may keep {spelled_size(wanted)}; free space on the "
            "disk, or lower `max_bytes`"
        )
    return ok(f"{folder}: {state}, {spelled_size(free)} free")


def _existing(folder: Path) -> Path:
    """Returns the folder, or the one in which it will be created."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


def _check_rights(folder: Path, there: Path) -> None:
    """Raises OSError if a proxy of this user could not use the folder; root may look at that of any user."""
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is not a folder")
    user = os.geteuid()
    if there == folder.absolute() and user and there.stat().st_uid != user:
        raise PermissionError(f"it belongs to user {there.stat().st_uid}, not to user {user}; change its owner")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"this user cannot write to {there}; change its owner, or set `store: {{path: …}}`")


def _holder(folder: Path) -> str:
    """Returns who has the folder; empty if nobody has it."""
    lock = folder / "lock"
    if not lock.exists():
        return ""
    with lock.open(errors="replace") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"in use by {opened.read(200) or 'another process'}"
        return ""
