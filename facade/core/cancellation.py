"""Whose cancellation a CancelledError is."""

import asyncio


def of_this_task() -> bool:
    """Whether the task that runs is cancelled itself, and not only what it waits for."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
