"""Threads that take one piece of work after another."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], object]


class Threads:
    """``most`` at the most. One is started when there is work and none is free.

    They are daemons, as Dubbo's are: a method that hangs does not keep the process from ending,
    as it would in a thread of concurrent.futures.
    """

    __slots__ = ("_closed", "_free", "_lock", "_most", "_name", "_started", "_work")

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._lock = threading.Lock()
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._started = self._free = 0
        self._closed = False

    def run(self, work: Work) -> None:
        """Soon. RuntimeError after ``close``, or where no thread can be had."""
        with self._lock:
            if self._closed:
                raise RuntimeError("these threads were let go")
            if self._free:
                self._free -= 1
            elif self._started < self._most:
                self._start()
        self._work.put(work)

    def _start(self) -> None:
        name = f"{self._name}_{self._started}"
        threading.Thread(target=self._serve, name=name, daemon=True).start()
        self._started += 1

    def close(self) -> None:
        """Each ends when nothing is left that was given before."""
        with self._lock:
            self._closed = True
        for _ in range(self._started):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work
            with self._lock:
                self._free += 1
