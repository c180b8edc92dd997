"""Which calls wait for an answer, and until when.

How it works. Every call gets the next id; ids are odd at one end of a stream and even
at the other, so that both may call. Deadlines are kept in slots of a few milliseconds:
entering and leaving one is a set operation, where a heap or a timer per call would cost
more than the rest of the bookkeeping. A deadline is therefore noticed up to one slot
late, and never early.

There is no I/O and no clock here: the caller says what time it is.
"""

from typing import Generic, Protocol, TypeVar

# Width of a slot, in seconds. (Dubbo's wheel ticks every 30 ms.)
SLOT = 0.005


class Pending(Protocol):
    """What is kept of a call: when its time is up, in seconds of the caller's clock, if ever."""

    deadline: float | None


C = TypeVar("C", bound=Pending)


class InFlight(Generic[C]):
    """The open calls of one end of one stream."""

    def __init__(self, *, even: bool = False) -> None:
        self._next = 2 if even else 1
        self._calls: dict[int, C] = {}
        self._slots: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, id: int) -> bool:
        return id in self._calls

    def take_id(self) -> int:
        """An id for a call that waits for nothing (oneway)."""
        id = self._next
        self._next = id + 2
        return id

    def open(self, call: C) -> int:
        """Register a call; its id."""
        id = self._next
        self._next = id + 2
        self._calls[id] = call
        if call.deadline is not None:
            slot = int(call.deadline / SLOT)
            try:
                self._slots[slot].add(id)
            except KeyError:
                self._slots[slot] = {id}
        return id

    def close(self, id: int) -> C | None:
        """Take a call out. None where it is not open: answered, given up, or never made."""
        call = self._calls.pop(id, None)
        if call is not None and call.deadline is not None:
            slot = int(call.deadline / SLOT)
            ids = self._slots[slot]
            ids.discard(id)
            if not ids:
                del self._slots[slot]
        return call

    def all(self) -> list[C]:
        """The open calls, oldest first."""
        return list(self._calls.values())

    def close_all(self) -> list[tuple[int, C]]:
        """Take all calls out, oldest first."""
        calls = list(self._calls.items())
        self._calls.clear()
        self._slots.clear()
        return calls

    def expire(self, now: float) -> list[tuple[int, C]]:
        """Take out the calls whose time is up, earliest slot first."""
        expired: list[tuple[int, C]] = []
        current = int(now / SLOT)
        for slot in sorted(slot for slot in self._slots if slot < current):
            for id in self._slots.pop(slot):
                expired.append((id, self._calls.pop(id)))
        return expired

    def next_expiry(self) -> float | None:
        """When to call ``expire`` next. None while no call has a deadline."""
        return (min(self._slots) + 1) * SLOT if self._slots else None
