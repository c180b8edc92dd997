"""A provider, as calls see it: it does some at once, and the others wait."""

from collections.abc import Generator
from heapq import heapreplace
from math import inf
from typing import Any, Self

from facade.core.invocation import Invocation
from facade.core.result import Result

# So many calls at once are all that one can do.
PLACES = 4


class Provider:
    """The way to it, too: the invoker at which an endpoint of a cluster ends.

    slowness  its calls take so many times as long; infinite: it never answers
    fails     it refuses all calls at once
    """

    __slots__ = ("_free", "_told", "active", "available", "calls", "fails", "slowness")

    def __init__(self, slowness: float = 1.0, *, fails: bool = False, told: bool = True) -> None:
        self.slowness = slowness
        self.fails = fails
        self.available = True
        self.active = 0
        self.calls = 0
        # When each place is free.
        self._free = [0.0] * PLACES
        self._told = told

    def invoke(self, invocation: Invocation) -> Self:
        return self

    def __await__(self) -> Generator[Self, Result, Result]:
        """The coroutine of a call stops here, and whoever runs it is given the provider."""
        return (yield self)

    def take(self, now: float, work: float) -> float:
        """Take a call. When it is to end."""
        self.calls += 1
        self.active += 1
        if self.slowness == inf:
            return inf
        ends = max(now, self._free[0]) + work * self.slowness
        heapreplace(self._free, ends)
        return ends

    def end(self) -> Result:
        """The answer to a call, with the load that the filter ``load`` would tell."""
        self.active -= 1
        attachments: dict[str, Any] = {}
        if self._told:
            attachments["call.load"] = f"{self.active / PLACES:.3g}"
        return Result("", attachments=attachments)

    held = False  # nothing is handed over

    def begin(self) -> None:
        """It is connected."""

    async def close(self) -> None:
        """It stays."""
