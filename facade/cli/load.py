"""Calls in a loop, as many at once as wanted, and what came of them."""

import asyncio
import itertools
from array import array
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any

from facade.cli import failure


class Load:
    """Runs ``call`` from so many tasks, for ``seconds``, or for ``calls`` in all.

    latencies   seconds, of each call that went well
    errors      how many failed, by kind; and the first of each kind, in words
    """

    def __init__(
        self, call: Callable[[], Any], concurrency: int, seconds: float, calls: int | None
    ) -> None:
        self._call = call
        self._concurrency = concurrency
        self._seconds = seconds
        self._calls = calls
        self._left = itertools.repeat(None) if calls is None else itertools.repeat(None, calls)
        self._began = self._ended = 0.0
        self.latencies = array("d")
        self.errors: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    @property
    def elapsed(self) -> float:
        return (self._ended or perf_counter()) - self._began if self._began else 0.0

    @property
    def done(self) -> float:
        """The share of it that is behind us."""
        if self._calls is not None:
            return (len(self.latencies) + self.errors.total()) / self._calls
        return min(1.0, self.elapsed / self._seconds)

    @property
    def rate(self) -> float:
        """Calls per second that went well."""
        return len(self.latencies) / self.elapsed if self.elapsed else 0.0

    async def run(self) -> None:
        """Until it is over, or cancelled: what was counted stays."""
        self._began = perf_counter()
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._concurrency):
                    tasks.create_task(self._repeat())
        finally:
            self._ended = perf_counter()

    async def _repeat(self) -> None:
        until = None if self._calls is not None else self._began + self._seconds
        end = start = perf_counter()
        for _ in self._left:
            start = end
            if until is not None and start >= until:
                return
            try:
                value = await self._call()
                if hasattr(value, "__aiter__"):
                    async for _ in value:
                        pass
            except Exception as error:
                self._count(error)
                await asyncio.sleep(0)  # one that fails at once must not keep the others out
                end = perf_counter()
            else:
                end = perf_counter()
                self.latencies.append(end - start)

    def _count(self, error: Exception) -> None:
        kind = type(error).__name__
        detail = failure.kind(error)
        kind = kind if detail == kind else f"{kind} ({detail})"
        self.errors[kind] += 1
        self.examples.setdefault(kind, failure.told(error))
