"""Threads for methods that are not async."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from facade.core.errors import LimitExceeded, Sent


class PoolExhausted(LimitExceeded):
    """No thread was free, and no place to wait for one."""


class ThreadPool:
    """At most ``threads`` methods at once, and ``queue`` more that wait for one of them.

    A call beyond that is refused at once. (Dubbo: its fixed pool, which refuses with
    "thread pool is exhausted".)
    """

    def __init__(self, threads: int, queue: int) -> None:
        if threads < 1 or queue < 0:
            raise ValueError(
                f"threads={threads}, queue={queue}: at least one thread, no less than 0"
            )
        self._threads = threads
        self._queue = queue
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="facade-method")
        self._taken = 0
        self._lock = threading.Lock()

    async def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
    ) -> Any:
        """Call it in a thread, in a copy of this task's context."""
        with self._lock:
            if self._taken >= self._threads + self._queue:
                raise PoolExhausted(
                    f"the provider's thread pool is exhausted: {self._threads} methods run and "
                    f"{self._queue} wait (Server: threads, queue)",
                    sent=Sent.NOT_EXECUTED,
                )
            self._taken += 1
        call = partial(_outcome, function, arguments, keywords or {})
        future = self._executor.submit(contextvars.copy_context().run, call)
        future.add_done_callback(self._release)
        value, error = await asyncio.wrap_future(future)
        if error is not None:
            raise error
        return value

    def _release(self, _: Future[Any]) -> None:
        """Its place is taken until it has really ended, whoever still waits for it."""
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Start nothing new. What runs is left to end."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _outcome(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[Any, BaseException | None]:
    """Value and error, as a future can't carry StopIteration."""
    try:
        return function(*arguments, **keywords), None
    except BaseException as error:
        return None, error
