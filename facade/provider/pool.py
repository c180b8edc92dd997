"""Threads for methods that are not async."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from facade.core.errors import LimitExceeded, Sent
from facade.core.log import get_logger

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

logger = get_logger(__name__)

Outcome = tuple[Any, BaseException | None]

# Seconds between warnings that a pool is exhausted: each caller is told, the log is not filled.
WARN_EVERY = 1.0


class PoolExhausted(LimitExceeded):
    """No thread was free, and no place to wait for one."""


class ThreadPool:
    """At most ``threads`` methods at once, and ``queue`` more that wait for one of them.

    A call beyond that is refused at once. (Dubbo: its fixed pool, AbortPolicyWithReport.)
    ``name`` says whose it is; ``place``, where.
    """

    def __init__(
        self,
        threads: int,
        queue: int,
        name: str = "the server",
        place: Callable[[], str] = lambda: "memory",
    ) -> None:
        if threads < 1 or queue < 0:
            raise ValueError(
                f"threads={threads}, queue={queue}: at least one thread, no less than 0"
            )
        self.threads = threads
        self.queue = queue
        self.name = name
        # How many calls it has run to their end, and how many it had to refuse.
        self.completed = 0
        self.refused = 0
        self._place = place
        self._executor: ThreadPoolExecutor | None = None
        self._taken = 0
        self._lock = threading.Lock()
        self._warned = -WARN_EVERY
        self._instead: ThreadPool | None = None

    def own(self, threads: int | None, queue: int | None, name: str) -> "ThreadPool":
        """One of its own for a service that wants so many threads; else this one."""
        if threads is None:
            if queue is not None:
                raise ValueError(
                    f"queue={queue} is for a pool of the service's own: give threads too"
                )
            return self
        return ThreadPool(threads, self.queue if queue is None else queue, name, self._place)

    @property
    def active(self) -> int:
        """How many methods run."""
        return min(self._taken, self.threads)

    @property
    def queued(self) -> int:
        """How many calls wait for a thread."""
        return self._taken - self.active

    def start(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        *,
        begun: bool = False,
    ) -> "Future[Outcome]":
        """Call it in a thread, in a copy of this task's context. What has ``begun``, and only
        goes on, is not refused."""
        if self._instead is not None:
            return self._instead.start(function, arguments, keywords, begun=begun)
        with self._lock:
            if self._taken >= self.threads + self.queue and not begun:
                raise self._exhausted()
            self._taken += 1
            executor = self._threads()
        call = partial(_outcome, function, arguments, keywords or {})
        future = executor.submit(contextvars.copy_context().run, call)
        future.add_done_callback(self._release)
        return future

    async def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        *,
        begun: bool = False,
    ) -> Any:
        """``start`` it, and wait for what comes of it."""
        return await result_of(self.start(function, arguments, keywords, begun=begun))

    def _release(self, _: Future[Any]) -> None:
        """Its place is taken until it has really ended, whoever still waits for it."""
        with self._lock:
            self._taken -= 1
            self.completed += 1

    def _exhausted(self) -> PoolExhausted:
        self.refused += 1
        message = (
            f"the provider's thread pool is exhausted: that of {self.name} at {self._place()}, "
            f"pool size: {self.threads}, active: {self.active}, queued: {self.queued} of "
            f"{self.queue}, completed: {self.completed}, refused: {self.refused} "
            "(raise threads or queue there)"
        )
        if monotonic() - self._warned >= WARN_EVERY:
            self._warned = monotonic()
            logger.warning("Thread pool is EXHAUSTED! %s", message)
        return PoolExhausted(message, sent=Sent.NOT_EXECUTED)

    def retire(self, instead: "ThreadPool") -> None:
        """What it has taken ends as it would. What still comes goes to ``instead``.

        (Dubbo: a pool that was shut down is replaced by the shared one.)
        """
        with self._lock:
            self._instead = instead
            executor = self._threads()
        executor.shutdown(wait=False)

    def close(self) -> None:
        """Start nothing new. What runs is left to end."""
        with self._lock:
            executor = self._threads()
        executor.shutdown(wait=False, cancel_futures=True)

    def _threads(self) -> "ThreadPoolExecutor":
        """Loaded and made when the first is wanted. To be called with the lock."""
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="facade-method")
        return self._executor


async def result_of(future: "Future[Outcome]") -> Any:
    """Of what was started. Who is cancelled does not wait for the thread."""
    value, error = await asyncio.wrap_future(future)
    if error is not None:
        raise error
    return value


def _outcome(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Outcome:
    """Value and error, as a future can't carry StopIteration."""
    try:
        return function(*arguments, **keywords), None
    except BaseException as error:
        return None, error
