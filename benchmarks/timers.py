"""What it costs to know which calls are late, with 100,000 of them pending.

    python -m benchmarks.timers [--pending N]

Each contender holds N deadlines, spread over some seconds. Measured are a call that is
answered in time (it enters and leaves; what it leaves behind is swept out meanwhile), a look
at the clock when a few are late, and the end of all of them. The figures are ratios to
ours: `answered wheel 1.8` took 1.8 times as long.
"""

import argparse
import asyncio
import random
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from facade.exchange.inflight import InFlight

SLOT = 0.005
TICK = 0.03  # of the wheel, as in Dubbo
SPREAD = 30.0  # seconds over which the deadlines lie
ROUNDS = 3
ANSWERED = 200_000  # enough for two sweeps of the heap
LOOKS = 200  # of 5 ms each


class Call:
    __slots__ = ("deadline", "entry")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.entry: Any = None


class Ours:
    """A heap of deadlines, swept when most of its entries are of calls that were answered."""

    def __init__(self) -> None:
        self._table: InFlight[Call] = InFlight()

    def enter(self, call: Call) -> None:
        call.entry = self._table.open(call)

    def leave(self, call: Call) -> None:
        self._table.close(call.entry)

    def late(self, now: float) -> int:
        gone = len(self._table.expire(now))
        self._table.next_expiry()
        return gone


class Table:
    """What every contender keeps besides: the calls by id."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._next = 1

    def add(self, call: Call) -> int:
        id = self._next
        self._next = id + 2
        self._calls[id] = call
        return id


class Slots(Table):
    """Sets of ids, for 5 ms each, in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self._slots: dict[int, set[int]] = {}

    def enter(self, call: Call) -> None:
        call.entry = self.add(call)
        slot = int(call.deadline / SLOT)
        try:
            self._slots[slot].add(call.entry)
        except KeyError:
            self._slots[slot] = {call.entry}

    def leave(self, call: Call) -> None:
        del self._calls[call.entry]
        slot = int(call.deadline / SLOT)
        ids = self._slots[slot]
        ids.discard(call.entry)
        if not ids:
            del self._slots[slot]

    def late(self, now: float) -> int:
        current, gone = int(now / SLOT), 0
        for slot in [slot for slot in self._slots if slot < current]:
            for id in self._slots.pop(slot):
                del self._calls[id]
                gone += 1
        return gone


class Wheel(Table):
    """A hashed wheel of 512 buckets, as Dubbo has: the clock hand visits each tick."""

    def __init__(self) -> None:
        super().__init__()
        self._buckets: list[dict[int, int]] = [{} for _ in range(512)]
        self._hand = 0

    def enter(self, call: Call) -> None:
        id = self.add(call)
        tick = int(call.deadline / TICK)
        call.entry = id, tick & 511
        self._buckets[tick & 511][id] = tick

    def leave(self, call: Call) -> None:
        id, bucket = call.entry
        del self._calls[id]
        del self._buckets[bucket][id]

    def late(self, now: float) -> int:
        current, gone = int(now / TICK), 0
        while self._hand < current:
            bucket = self._buckets[self._hand & 511]
            for id in [id for id, tick in bucket.items() if tick <= self._hand]:
                del bucket[id]
                del self._calls[id]
                gone += 1
            self._hand += 1
        return gone


class Timers(Table):
    """A timer of asyncio for each call. Its own heap is what is measured, and no waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._late = 0

    def enter(self, call: Call) -> None:
        id = self.add(call)
        call.entry = id, self._loop.call_at(self._loop.time() + call.deadline, self._expire, id)

    def leave(self, call: Call) -> None:
        id, handle = call.entry
        del self._calls[id]
        handle.cancel()

    def _expire(self, id: int) -> None:
        del self._calls[id]

    def late(self, now: float) -> int | None:
        return None  # the loop does it in time, and can't be told to

    def close(self) -> None:
        self._loop.close()


CONTENDERS: dict[str, Callable[[], Any]] = {
    "heap": Ours,
    "slots": Slots,
    "wheel": Wheel,
    "call_later": Timers,
}


def run(kind: Callable[[], Any], deadlines: Sequence[float]) -> dict[str, float]:
    """Seconds by what was done."""
    table = kind()
    for deadline in deadlines:
        table.enter(Call(deadline))
    taken = {}
    calls = [Call(random.uniform(0.9, 1.1) * SPREAD) for _ in range(ANSWERED)]
    begun = perf_counter()
    for call in calls:
        table.enter(call)
        table.leave(call)
    taken["answered"] = (perf_counter() - begun) / ANSWERED
    if table.late(0.0) is not None:
        begun = perf_counter()
        gone = sum(table.late(look * 0.005) for look in range(LOOKS))
        taken["look"] = (perf_counter() - begun) / LOOKS
        begun = perf_counter()
        gone += table.late(10 * SPREAD)
        taken["end"] = (perf_counter() - begun) / len(deadlines)
        assert gone == len(deadlines)
    if hasattr(table, "close"):
        table.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.timers")
    parser.add_argument("--pending", type=int, default=100_000)
    pending = parser.parse_args().pending
    random.seed(1)
    deadlines = [random.uniform(0, SPREAD) for _ in range(pending)]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):  # one after the other, as a machine's speed drifts
        for name, kind in CONTENDERS.items():
            rounds[name].append(run(kind, deadlines))
    for what in ("answered", "look", "end"):
        ours = [taken[what] for taken in rounds["heap"]]
        print(f"{what} heap: {median(ours) * 1e6:.2f} us")
        for name in CONTENDERS:
            if name != "heap" and what in rounds[name][0]:
                ratios = [t[what] / o for t, o in zip(rounds[name], ours, strict=True)]
                print(f"{what} {name} {median(ratios):.2f}")


if __name__ == "__main__":
    main()
