"""Timeouts of older Pythons."""

import asyncio
from typing import Any

import pytest


def count_all_cancellations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.11.3 a timeout in a task that was cancelled earlier is a CancelledError."""
    enter = asyncio.Timeout.__aenter__

    async def entered(limit: Any) -> Any:
        await enter(limit)
        limit._cancelling = 0
        return limit

    monkeypatch.setattr(asyncio.Timeout, "__aenter__", entered)
