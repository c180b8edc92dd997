"""The event loop behind blocking clients: one thread for all of them in a process."""

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from operator import methodcaller
from typing import Any, NoReturn, TypeVar

from facade.codec import Payload
from facade.consumer.connections import Connections
from facade.core.chain import answered
from facade.core.context import adopt
from facade.core.filter import Invoker
from facade.core.inbox import Inbox
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.exchange.multiplexer import Multiplexer
from facade.exchange.pending import PendingCall
from facade.loops import new_event_loop

logger = get_logger(__name__)

T = TypeVar("T")


class Job:
    """Work for the loop that a thread waits for."""

    __slots__ = ("answered", "error", "result", "task")

    def __init__(self) -> None:
        # Held until there is a result or an error.
        self.answered = threading.Lock()
        self.answered.acquire()
        self.result: Any = None
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called on the loop's thread."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Called on the loop's thread, when the thread waits no more."""
        if self.task is not None:
            self.task.cancel()

    # As a future has them: see ``Waiter``.

    def done(self) -> bool:
        return not self.answered.locked()

    def set_result(self, result: Any) -> None:
        self.result = result
        self.answered.release()

    def set_exception(self, error: BaseException) -> None:
        self.error = error
        self.answered.release()

    async def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            result = await work
        except BaseException as error:
            self.set_exception(error)
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            self.set_result(result)


class ChainJob(Job):
    """A whole chain, run on the loop."""

    __slots__ = ("_context", "_invocation", "_invoker")

    def __init__(self, invoker: Invoker, invocation: Invocation) -> None:
        super().__init__()
        self._invoker = invoker
        self._invocation = invocation
        self._context = contextvars.copy_context()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self.task = loop.create_task(self._run(self._invoke()), context=self._context)

    async def _invoke(self) -> Result:
        adopt(self._invocation)
        return await self._invoker.invoke(self._invocation)


class ExchangeJob(Job):
    """Only the exchange with the provider; the thread does the rest itself."""

    __slots__ = ("_call", "_calls", "_connector", "_invocation", "_payload")

    def __init__(self, connector: Connections, invocation: Invocation, payload: Payload) -> None:
        super().__init__()
        self._connector = connector
        self._invocation = invocation
        self._payload = payload
        self._call: PendingCall | None = None
        self._calls: Multiplexer | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        connection = self._connector.current
        if connection is None or not connection.usable:
            self.task = loop.create_task(self._connect())
            return
        calls = self._calls = connection.calls
        self._invocation.remote_address = calls.remote_address
        try:
            if self._invocation.oneway:
                calls.tell(self._invocation, self._payload)
                self.set_result(None)
            else:
                self._call = calls.begin(self._invocation, self._payload, self)
        except Exception as error:
            self.set_exception(error)

    async def _connect(self) -> None:
        try:
            await self._connector.connect(self._invocation)
        except Exception as error:  # whatever it is, a thread waits
            self.set_exception(error)
        else:
            self.begin(asyncio.get_running_loop())

    def cancel(self) -> None:
        super().cancel()
        if self._call is not None and self._calls is not None:
            self._calls.give_up(self._call)


class Submitted(Future[Any]):
    """What a coroutine on the loop gives, for who submits it. Its cancel() ends that."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, start: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        super().__init__()
        self._loop = loop
        self._start = start
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None
        self._dropped = self._told = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called on the loop's thread."""
        if not self._dropped:
            self._task = loop.create_task(self._run(), context=self._context)

    async def _run(self) -> None:
        try:
            value = await self._start()
        except asyncio.CancelledError:
            super().cancel()  # the caller did it, or a filter
            self._tell()
            raise
        except BaseException as error:
            self._settle(self.set_exception, error)
        else:
            self._settle(self.set_result, value)

    def _settle(self, how: Callable[[Any], None], what: Any) -> None:
        # It was never said to be running, so that it could be cancelled to its end.
        try:
            how(what)
        except InvalidStateError:  # it was
            self._tell()

    def _tell(self) -> None:
        """Who waits for several futures hears of a cancelled one by this, once, in any case."""
        if not self._told:
            self._told = True
            self.set_running_or_notify_cancel()

    def cancel(self) -> bool:
        if not super().cancel():
            return False
        self._dropped = True
        self._loop.call_soon_threadsafe(self._end)
        return True

    def _end(self) -> None:
        self._tell()
        if self._task is not None:
            self._task.cancel()


class Engine:
    """Runs the calls of threads that have no event loop.

    Threads leave their calls in an inbox, then wait on a lock each: a tenth of what a
    concurrent future per call costs.
    """

    def __init__(self) -> None:
        # Why its thread is not here any more, for who wants something of it.
        self.away = ""
        # Whether this is a child of the process in which it was made.
        self.forked = False
        os.register_at_fork(after_in_child=self._fork)
        self.loop = new_event_loop()
        self._inbox: Inbox[Job | Submitted] = Inbox(self.loop, methodcaller("begin", self.loop))
        self._thread = threading.Thread(target=self._run, name="facade-engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while True:
            try:
                self.loop.run_forever()
                return
            except (SystemExit, KeyboardInterrupt) as error:
                # Of a task that nobody waits for. Calls of other threads go on.
                logger.error("%r was raised in the thread that carries all calls", error)

    def _fork(self) -> None:
        self.forked = True
        self.away = "this client was made before a fork: make one in the child"

    def call(self, invoker: Invoker, invocation: Invocation) -> Result:
        """Run a chain on the loop and wait for its result."""
        result: Result = self._wait(ChainJob(invoker, invocation))
        return result

    def exchange(self, connector: Connections, invocation: Invocation, payload: Payload) -> Any:
        """Send a call and wait: the Result message of the wire, None for a oneway call."""
        return self._wait(ExchangeJob(connector, invocation, payload))

    def _wait(self, job: Job) -> Any:
        if self.away or threading.get_ident() == self._thread.ident:
            self._refuse()
        self._inbox.put(job)
        try:
            job.answered.acquire()
        except KeyboardInterrupt:  # the call goes with whom it was for
            self.loop.call_soon_threadsafe(job.cancel)
            raise
        if job.error is not None:
            raise job.error
        return job.result

    def start(
        self,
        invoker: Invoker,
        invocation: Invocation,
        change: Callable[[Any], Any] = lambda value: value,
    ) -> Future[Any]:
        """Run a call; the future of what ``change`` makes of its value."""

        async def answer() -> Any:
            adopt(invocation)
            return change(await answered(invoker, invocation))

        return self.submit(answer)

    def submit(self, start: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Run any coroutine, in the context of this moment; its future. Its cancel() ends it."""
        if self.away or threading.get_ident() == self._thread.ident:
            self._refuse()
        future = Submitted(self.loop, start)
        self._inbox.put(future)
        return future

    def _refuse(self) -> NoReturn:
        if self.away:
            raise RuntimeError(self.away)
        raise RuntimeError(
            "a blocking call from the thread that carries all blocking calls would wait for "
            "itself: use AsyncClient in filters and callbacks"
        )

    def stop(self) -> None:
        """At the interpreter's end: hang up nothing, just let the thread go."""
        if not self.forked and self._thread.is_alive():
            self.away = (
                "the interpreter ends, and what carries blocking calls has: use and close clients "
                "before, or in a function that is given to atexit once they are made"
            )
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=1)


_engine: Engine | None = None
_lock = threading.Lock()


def engine() -> Engine:
    """That of this process."""
    global _engine
    current = _engine
    if current is None or current.forked:
        with _lock:
            if _engine is None or _engine.forked:
                _engine = Engine()
                atexit.register(_engine.stop)
            current = _engine
    return current
