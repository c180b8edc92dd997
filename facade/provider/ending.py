"""How calls under way come to their end when a server stops."""

import asyncio
from collections.abc import Callable
from typing import Any


async def let_end(tasks: set[asyncio.Task[Any]], grace: float, overdue: Callable[[], None]) -> None:
    """Wait ``grace`` seconds, then cancel what is left. ``overdue`` is called in between, to note
    what their callers are to be told."""
    if tasks:
        await asyncio.wait(tasks, timeout=grace)
    overdue()
    left = list(tasks)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=1)
