"""Places for calls: how many may run at once, and what became of those that did."""

import asyncio
from collections import OrderedDict
from threading import Lock
from time import perf_counter
from typing import Generic, TypeVar

from facade.core.errors import RpcError
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import ByMethod
from facade.core.stream import at_end


class Places:
    """Counts calls, and has room for ``limit`` of them at once; 0: for any number.

    ``total`` are those that ended, ``failed`` those of them that failed on their way. Times
    are seconds. Threads may share one. (Dubbo: RpcStatus)
    """

    __slots__ = (
        "_lock",
        "active",
        "elapsed",
        "failed",
        "failed_elapsed",
        "limit",
        "max_elapsed",
        "max_failed_elapsed",
        "max_succeeded_elapsed",
        "total",
    )

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.active = self.total = self.failed = 0
        self.elapsed = self.failed_elapsed = 0.0
        self.max_elapsed = self.max_failed_elapsed = self.max_succeeded_elapsed = 0.0
        self._lock = Lock()

    def begin(self) -> bool:
        """Take a place. False where none is free."""
        with self._lock:
            if self.limit and self.active >= self.limit:
                return False
            self.active += 1
            return True

    def end(self, seconds: float, succeeded: bool) -> None:
        """Give the place back, once for each ``begin``."""
        with self._lock:
            self.total += 1
            self.elapsed += seconds
            self.max_elapsed = max(self.max_elapsed, seconds)
            if succeeded:
                self.max_succeeded_elapsed = max(self.max_succeeded_elapsed, seconds)
            else:
                self.failed += 1
                self.failed_elapsed += seconds
                self.max_failed_elapsed = max(self.max_failed_elapsed, seconds)
        self.leave()

    def end_with_stream(self, result: Result, start: float) -> None:
        """Give the place back when the stream that a call gave has ended; ``start`` is when the
        call began, by ``perf_counter``."""

        def end(outcome: Result | BaseException) -> None:
            succeeded = isinstance(outcome, Result) and not isinstance(outcome.exception, RpcError)
            self.end(perf_counter() - start, succeeded)

        at_end(result, end)

    def leave(self) -> None:
        """Give the place back, and count nothing."""
        with self._lock:
            self.active -= 1

    @property
    def succeeded(self) -> int:
        return self.total - self.failed

    @property
    def succeeded_elapsed(self) -> float:
        return self.elapsed - self.failed_elapsed

    @property
    def average_elapsed(self) -> float:
        return self.elapsed / self.total if self.total else 0.0

    @property
    def average_failed_elapsed(self) -> float:
        return self.failed_elapsed / self.failed if self.failed else 0.0

    @property
    def average_succeeded_elapsed(self) -> float:
        return self.succeeded_elapsed / self.succeeded if self.succeeded else 0.0

    @property
    def average_tps(self) -> float:
        """Calls for each second that calls took. What took less than one counts as one."""
        return self.total / max(self.elapsed, 1.0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.active} of {self.limit or 'any number'} taken>"


class WaitingPlaces(Places):
    """Places that one may wait for. Who came first is first.

    A place that comes free while others wait is handed to the first of them, so nobody who
    comes later slips in. They may wait on several event loops.
    """

    __slots__ = ("_waiting",)

    def __init__(self, limit: int = 0) -> None:
        super().__init__(limit)
        self._waiting: OrderedDict[asyncio.Future[bool], asyncio.AbstractEventLoop] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float | None = None, queue: int | None = None) -> bool:
        """Take a place, and wait for one at most so long, None for ever. False where none came,
        and at once where ``queue`` others wait already."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if not self.limit or self.active < self.limit:
                self.active += 1
                return True
            if queue is not None and len(self._waiting) >= queue:
                return False
            if seconds is not None and seconds <= 0:
                return False
            future: asyncio.Future[bool] = loop.create_future()
            self._waiting[future] = loop
        timer = None if seconds is None else loop.call_later(seconds, self._expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result():
                self.leave()  # it was handed over while the caller was being cancelled
            else:
                self._forget(future)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def leave(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self.active -= 1
                    return
                future, loop = self._waiting.popitem(last=False)
            if self._hand_over(future, loop):
                return

    def _hand_over(self, future: asyncio.Future[bool], loop: asyncio.AbstractEventLoop) -> bool:
        """Whether somebody, or nobody any more, is found on his own loop."""
        if asyncio._get_running_loop() is loop:
            if future.done():
                return False
            future.set_result(True)
            return True
        try:
            loop.call_soon_threadsafe(self._arrive, future)
        except RuntimeError:  # that loop is closed
            return False
        return True

    def _arrive(self, future: asyncio.Future[bool]) -> None:
        if future.done():
            self.leave()
        else:
            future.set_result(True)

    def _expire(self, future: asyncio.Future[bool]) -> None:
        self._forget(future)
        if not future.done():
            future.set_result(False)

    def _forget(self, future: asyncio.Future[bool]) -> None:
        with self._lock:
            self._waiting.pop(future, None)


P = TypeVar("P", bound=Places)

# Service, group, version, method.
_Key = tuple[str, str, str, str]


class MethodPlaces(Generic[P]):
    """Places for each method of each service that is called."""

    __slots__ = ("_limits", "_made", "_make")

    def __init__(self, make: type[P], limits: ByMethod) -> None:
        self._make = make
        self._limits = limits
        self._made: dict[_Key, P] = {}

    def of(self, invocation: Invocation) -> P:
        key = (invocation.service, invocation.group, invocation.version, invocation.name)
        made = self._made.get(key)
        return self._add(key) if made is None else made

    def find(self, service: str, name: str, group: str = "", version: str = "") -> P:
        return self.of(Invocation(service, name, group=group, version=version))

    def active(self, service: str, group: str = "", version: str = "") -> int:
        """How many calls of all of its methods are under way."""
        made = list(self._made.items())
        return sum(places.active for key, places in made if key[:3] == (service, group, version))

    def _add(self, key: _Key) -> P:
        # Of two threads that come at once, both must get the same.
        return self._made.setdefault(key, self._make(self._limits[key[3]]))


def whole_numbers(key: str, value: int | ByMethod) -> ByMethod:
    """By method: numbers of calls. ValueError for what is none."""
    numbers = value if isinstance(value, ByMethod) else ByMethod({}, value)
    for number in (numbers.default, *numbers.values()):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"{key}={number!r}: give a number of calls, or 0 for no limit")
    return numbers
