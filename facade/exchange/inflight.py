"""Which calls wait for an answer, and until when.

How it works. Every call gets the next id; ids are odd at one end of a stream and even
at the other, so that both may call. Deadlines lie in a heap. Who is answered leaves his
behind: it is passed over when its time comes, or swept out when such are the larger part.

Measured with 100,000 pending (benchmarks/timers.py), as ratios to this heap: a call that is
answered in time takes 1.2 with sets of ids in slots of 5 ms, 0.8 to 1.1 with a hashed wheel,
3.6 to 5 with a timer of asyncio for each; a look at the clock 2.0 and 0.3. With up to 256
pending the wheel takes 1.4. And a heap says when it is to be looked at again, where a wheel
has to be turned while nobody is late.

There is no I/O and no clock here: the caller says what time it is.
"""

import bisect
import heapq
import math
from typing import Generic, Protocol, TypeVar

# Seconds. Calls that run out within one tick are found together. (Dubbo's wheel ticks
# every 30 ms.)
TICK = 0.005

# Entries that the heap may have beyond twice those in use before it is swept.
SLACK = 256

# How many late calls are taken off the heap one by one. For more, sorting it is faster.
FEW = 64


class Pending(Protocol):
    """What is kept of a call: when its time is up, in seconds of the caller's clock, if ever."""

    deadline: float | None


C = TypeVar("C", bound=Pending)


class InFlight(Generic[C]):
    """The open calls of one end of one stream. A deadline is noticed up to a tick late, and
    never early."""

    def __init__(self, *, even: bool = False) -> None:
        self._next = 2 if even else 1
        # By id. To be read, and popped from where each answer comes: a method is felt there.
        self.calls: dict[int, C] = {}
        self._deadlines: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self.calls)

    def __contains__(self, id: int) -> bool:
        return id in self.calls

    @property
    def last(self) -> int:
        return self._next - 2

    def take_id(self) -> int:
        """An id for a call that waits for nothing (oneway)."""
        id = self._next
        self._next = id + 2
        return id

    def open(self, call: C) -> int:
        """Register a call; its id."""
        id = self._next
        self._next = id + 2
        self.calls[id] = call
        if call.deadline is not None:
            deadlines = self._deadlines
            heapq.heappush(deadlines, (call.deadline, id))
            if len(deadlines) > 2 * len(self.calls) + SLACK:
                self._sweep()
        return id

    def _sweep(self) -> None:
        calls = self.calls
        self._deadlines = [entry for entry in self._deadlines if entry[1] in calls]
        heapq.heapify(self._deadlines)

    def close(self, id: int) -> C | None:
        """Take a call out. None where it is not open: answered, given up, or never made."""
        return self.calls.pop(id, None)

    def get(self, id: int) -> C | None:
        """An open call."""
        return self.calls.get(id)

    def was_used(self, id: int) -> bool:
        """Whether there has been such a call."""
        return id < self._next

    def all(self) -> list[C]:
        """The open calls, oldest first."""
        return list(self.calls.values())

    def close_all(self) -> list[tuple[int, C]]:
        """Take all calls out, oldest first."""
        calls = list(self.calls.items())
        self.calls.clear()
        self._deadlines.clear()
        return calls

    def expire(self, now: float) -> list[tuple[int, C]]:
        """Take out the calls whose time is up, the earliest first."""
        deadlines, calls = self._deadlines, self.calls
        due: list[tuple[float, int]] = []
        while deadlines and deadlines[0][0] <= now:
            if len(due) == FEW:
                deadlines.sort()  # which is a heap too
                end = bisect.bisect(deadlines, (now, math.inf))
                due += deadlines[:end]
                del deadlines[:end]
                break
            due.append(heapq.heappop(deadlines))
        return [(id, calls.pop(id)) for _, id in due if id in calls]

    def next_expiry(self) -> float | None:
        """When to call ``expire`` next. None while no call has a deadline."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][1] not in self.calls:
            heapq.heappop(deadlines)
        return (int(deadlines[0][0] / TICK) + 1) * TICK if deadlines else None
