"""Calls in a loop, so many at once, for so long: by tasks, by threads, or by futures.

Each runs rounds of (calls in flight, seconds) and gives calls per second. A wrong answer ends it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Measure = Callable[..., Any]
Use = Callable[[Measure], None]
Connect = Callable[[], Coroutine[Any, Any, Callable[[], Awaitable[object]]]]


async def repeat(call: Callable[[], Awaitable[object]], expected: object, until: float) -> int:
    """At least one call, so that none of many is left out of a short round."""
    count = 0
    while True:
        if await call() != expected:
            raise AssertionError("a wrong answer")
        count += 1
        if time.perf_counter() >= until:
            return count


def measure_tasks(connect: Connect, expected: object, use: Use) -> None:
    """``connect`` gives what calls once."""
    with asyncio.Runner() as runner:
        call = runner.run(connect())

        async def measure(in_flight: float, seconds: float) -> float:
            start = time.perf_counter()
            until = start + seconds
            tasks = (repeat(call, expected, until) for _ in range(int(in_flight)))
            counts = await asyncio.gather(*tasks)
            return sum(counts) / (time.perf_counter() - start)

        use(lambda in_flight, seconds: runner.run(measure(in_flight, seconds)))


def measure_threads(
    connect: Callable[[], Callable[[], object]], expected: object, use: Use
) -> None:
    """``connect`` is called in each thread, and gives what calls once. Threads stay, with what
    they have connected, for the next round."""
    workers: list[Worker] = []

    def measure(in_flight: float, seconds: float) -> float:
        while len(workers) < in_flight:
            workers.append(Worker(connect, expected))
        chosen = workers[: int(in_flight)]
        start = time.perf_counter()
        for worker in chosen:
            worker.begin(start + seconds)
        counts = [worker.end() for worker in chosen]
        return sum(counts) / (time.perf_counter() - start)

    use(measure)


class Worker:
    """A thread that calls in a loop when it is told to."""

    def __init__(self, connect: Callable[[], Callable[[], object]], expected: object) -> None:
        self._connect = connect
        self._expected = expected
        self._until = 0.0
        self._count: int | None = None
        self._go = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()
        self._done.acquire()

    def begin(self, until: float) -> None:
        self._until = until
        self._count = None
        self._go.release()

    def end(self) -> int:
        self._done.acquire()
        if self._count is None:
            raise AssertionError("a call failed")
        return self._count

    def _run(self) -> None:
        try:
            call = self._connect()
        finally:
            self._done.release()
        while True:
            self._go.acquire()
            try:
                count = 0
                while not count or time.perf_counter() < self._until:
                    if call() != self._expected:
                        raise AssertionError("a wrong answer")
                    count += 1
                self._count = count
            finally:
                self._done.release()


def measure_futures(start: Callable[[], Any], expected: object, use: Use) -> None:
    """``start`` gives a future, and one thread keeps so many of them outstanding."""

    def measure(in_flight: float, seconds: float) -> float:
        count = 0
        begun = time.perf_counter()
        waiting = deque(start() for _ in range(int(in_flight)))
        while waiting:
            if waiting.popleft().result() != expected:
                raise AssertionError("a wrong answer")
            count += 1
            if time.perf_counter() < begun + seconds:
                waiting.append(start())
        return count / (time.perf_counter() - begun)

    use(measure)
