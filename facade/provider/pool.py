"""Threads for methods that are not async."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from facade.core.errors import LimitExceeded, Sent
from facade.core.inbox import Inbox
from facade.core.log import get_logger
from facade.provider.job import Job
from facade.provider.threads import Threads
from facade.service import is_count

logger = get_logger(__name__)

# Seconds between warnings that a pool is exhausted: each caller is told, the log is not filled.
WARN_EVERY = 1.0


class PoolExhausted(LimitExceeded):
    """No thread was free, and no place to wait for one."""


class ThreadPool:
    """At most ``threads`` methods at once, and ``queue`` more that wait for one of them.

    A call beyond that is refused at once. (Dubbo: its fixed pool, AbortPolicyWithReport.)
    ``name`` says whose it is; ``place``, where.

    How it works. A worker takes calls from the queue until that is empty, and each that finds
    more there than its own brings in another one, until there are ``threads``. So only one
    thread at a time is on its way: of short calls that come together the first worker has done
    most when the second one arrives, and many threads would only wait for the interpreter. While
    its calls wait for something, the workers bring each other in as fast as threads wake up.
    """

    def __init__(
        self,
        threads: int,
        queue: int,
        name: str = "the server",
        place: Callable[[], str] = lambda: "memory",
    ) -> None:
        if not (is_count(threads, 1) and is_count(queue)):
            raise ValueError(
                f"threads={threads!r}, queue={queue!r}: whole numbers, one thread at least, and "
                "0 or more calls that wait"
            )
        self.threads = threads
        self.queue = queue
        self.name = name
        # How many calls it has run to their end, and how many it had to refuse.
        self.completed = 0
        self.refused = 0
        self._place = place
        self._threads = Threads(threads, "facade-method")
        self._lock = threading.Lock()
        # What it has taken and has not ended, and of that what has not begun.
        self._taken = 0
        self._waiting: OrderedDict[Job, None] = OrderedDict()
        self._workers = 0
        # Whether one of them has not arrived yet.
        self._coming = False
        self._closed = False
        self._inbox: Inbox[Job] | None = None
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
    ) -> Job:
        """Call it in a thread, in a copy of this task's context. What has ``begun``, and only
        goes on, is not refused."""
        if self._instead is not None:
            return self._instead.start(function, arguments, keywords, begun=begun)
        job = Job(function, arguments, keywords, self._to_loop(), self._drop)
        with self._lock:
            if self._closed:
                raise RuntimeError("the threads of this pool were let go")
            if self._taken >= self.threads + self.queue and not begun:
                raise self._exhausted()
            self._taken += 1
            self._waiting[job] = None
            wanted = self._wants_worker()
        if wanted:
            try:
                self._bring_in()
            except RuntimeError:
                if self._drop(job):  # else another worker has taken it meanwhile
                    raise
        return job

    async def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        *,
        begun: bool = False,
    ) -> Any:
        """``start`` it, and wait for what comes of it."""
        return await self.start(function, arguments, keywords, begun=begun).result()

    def _to_loop(self) -> Inbox[Job]:
        loop = asyncio.get_running_loop()
        if self._inbox is None or self._inbox.loop is not loop:
            self._inbox = Inbox(loop, Job.deliver)
        return self._inbox

    def _wants_worker(self) -> bool:
        """Whether one more is to be brought in; it counts from now on. (With the lock held.)"""
        if self._coming or not self._waiting or self._workers >= self.threads:
            return False
        self._coming = True
        self._workers += 1
        return True

    def _bring_in(self) -> None:
        """RuntimeError where no thread can be had: the process ends, or has too many."""
        try:
            self._threads.run(self._work)
        except RuntimeError:
            with self._lock:
                self._coming = False
                self._workers -= 1
            raise

    def _work(self) -> None:
        """Runs in a thread."""
        ended: Job | None = None
        while True:
            with self._lock:
                if ended is None:
                    self._coming = False
                else:
                    # Its place is taken until it has really ended, whoever still waits for it.
                    self._taken -= 1
                    self.completed += 1
                job = self._next()
                wanted = self._wants_worker()
            if ended is not None:
                ended.tell()
            if wanted:
                with suppress(RuntimeError):  # then who is here does it all
                    self._bring_in()
            if job is None:
                return
            job.run()
            ended = job

    def _next(self) -> Job | None:
        """What is to be run now; None for a worker that is to go. (With the lock held.)"""
        if not self._waiting:
            self._workers -= 1
            return None
        job, _ = self._waiting.popitem(last=False)
        job.begun = True
        return job

    def _drop(self, job: Job) -> bool:
        """Nobody waits for it any more: where it has not begun, it never will. Whether it is so."""
        with self._lock:
            if not (job.begun or job.dropped):
                job.dropped = True
                del self._waiting[job]  # or it would be kept until a thread is free
                self._taken -= 1
            return job.dropped

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
        """What it has taken ends as it would. What still comes goes to ``instead``. Once.

        (Dubbo: a pool that was shut down is replaced by the shared one.)
        """
        with self._lock:
            if self._instead is not None:
                return
            self._instead = instead
            more = min(self.threads - self._workers, len(self._waiting))
            self._workers += more
        for _ in range(more):  # as nobody can be brought in afterwards
            self._threads.run(self._work)
        self._threads.close()

    def close(self) -> None:
        """Start nothing new. What runs is left to end."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
            self._taken -= len(waiting)
            for job in waiting:
                job.dropped = True
        for job in waiting:
            job.tell()
        self._threads.close()
