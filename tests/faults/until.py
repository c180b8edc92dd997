"""Waits for what tells nobody that it has happened."""

import asyncio
from collections.abc import Callable
from time import monotonic


async def until(condition: Callable[[], object], timeout: float = 30.0) -> float:
    """Look every few milliseconds; how many seconds it took. TimeoutError."""
    start = monotonic()
    while not condition():
        if monotonic() - start > timeout:
            raise TimeoutError(f"not within {timeout:g} s")
        await asyncio.sleep(0.005)
    return monotonic() - start
