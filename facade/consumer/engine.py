"""The event loop behind blocking clients: one thread for all of them in a process."""

import asyncio
import atexit
import concurrent.futures
import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.loops import new_event_loop

T = TypeVar("T")


class Job:
    """A call that a thread waits for."""

    __slots__ = ("context", "done", "error", "invocation", "invoker", "result", "task")

    def __init__(self, invoker: Invoker, invocation: Invocation) -> None:
        self.invoker = invoker
        self.invocation = invocation
        self.context = contextvars.copy_context()
        self.done = threading.Lock()
        self.done.acquire()
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            self.result = await self.invoker.invoke(self.invocation)
        except BaseException as error:
            self.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self.done.release()

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Engine:
    """Runs the calls of threads that have no event loop.

    Threads leave their calls in a queue and wake the loop once for all that gathered,
    then wait on a lock each: a tenth of what a concurrent future per call costs.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._jobs: deque[Job] = deque()
        self._woken = False
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._run, name="facade-engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def call(self, invoker: Invoker, invocation: Invocation) -> Result:
        """Run a call and wait for its result."""
        self._check()
        job = Job(invoker, invocation)
        self._submit(job)
        try:
            job.done.acquire()
        except BaseException:  # Ctrl-C: the call goes with whom it was for
            self._loop.call_soon_threadsafe(job.cancel)
            raise
        if job.error is not None:
            raise job.error
        assert job.result is not None
        return job.result

    def start(self, invoker: Invoker, invocation: Invocation) -> concurrent.futures.Future[Any]:
        """Run a call; the future of its value."""

        async def answer() -> Any:
            return (await invoker.invoke(invocation)).recreate()

        return self.submit(answer)

    def submit(
        self, start: Callable[[], Coroutine[Any, Any, T]]
    ) -> concurrent.futures.Future[T]:
        """Run any coroutine, in the context of this moment; its future."""
        self._check()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        context = contextvars.copy_context()

        def begin() -> None:
            if not future.set_running_or_notify_cancel():
                return
            task = self._loop.create_task(start(), context=context)
            task.add_done_callback(lambda task: _hand_over(task, future))

        self._loop.call_soon_threadsafe(begin)
        return future

    def _submit(self, job: Job) -> None:
        self._jobs.append(job)
        # Set before the loop empties the queue, so what is appended meanwhile is not missed.
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._start_jobs)

    def _start_jobs(self) -> None:
        self._woken = False
        jobs, create_task = self._jobs, self._loop.create_task
        while jobs:
            job = jobs.popleft()
            job.task = create_task(job.run(), name="facade-job", context=job.context)

    def _check(self) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "a blocking call from the thread that carries all blocking calls would wait for "
                "itself: use AsyncClient in filters and callbacks"
            )
        if self._pid != os.getpid():
            raise RuntimeError("this client was made before a fork: make one in the child")

    def stop(self) -> None:
        """At the interpreter's end: hang up nothing, just let the thread go."""
        if self._pid == os.getpid() and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1)


def _hand_over(task: asyncio.Task[T], future: concurrent.futures.Future[T]) -> None:
    if task.cancelled():
        future.set_exception(concurrent.futures.CancelledError())
    elif (error := task.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())


_engine: Engine | None = None
_lock = threading.Lock()


def engine() -> Engine:
    """That of this process."""
    global _engine
    current = _engine
    if current is None or current._pid != os.getpid():
        with _lock:
            if _engine is None or _engine._pid != os.getpid():
                _engine = Engine()
                atexit.register(_engine.stop)
            current = _engine
    return current
