"""Streams between an event loop and threads, in both directions."""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from facade.core.stream import close

# How many values are taken from an iterator before somebody asks for them. A thread that has
# so many ahead is given back.
AHEAD = 64

Run = Callable[[Callable[[], None]], Awaitable[None]]

Submit = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Future[Any]]


class FromThread(AsyncIterator[Any]):
    """The values of a blocking iterator, for the event loop in which this is made.

    ``run`` calls a function in some thread. All of the iterator's code runs in one context, a
    copy of that in which this is made.
    """

    def __init__(self, iterator: Iterator[Any], run: Run) -> None:
        self._iterator = iterator
        self._run = run
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Any] = deque()
        self._job: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        # Set by the loop before it looks a last time, so that the thread's append is not missed.
        self._asleep = False
        self._over = self._closed = False
        self._error: BaseException | None = None

    @property
    def at_hand(self) -> int:
        return len(self._ready)

    async def __anext__(self) -> Any:
        while not self._ready:
            if self._over:
                error, self._error = self._error, None
                raise StopAsyncIteration if error is None else error
            self._go_on()
            await self._sleep()
        value = self._ready.popleft()
        if len(self._ready) == AHEAD // 2:
            self._go_on()
        return value

    async def _sleep(self) -> None:
        self._waiter = self._loop.create_future()
        self._asleep = True
        if self._ready or self._over:
            self._asleep = False
            return
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _go_on(self) -> None:
        if self._job is None and not self._over:
            self._job = self._loop.create_task(self._advance(), name="facade-thread-stream")

    async def _advance(self) -> None:
        try:
            await self._run(partial(self._context.run, self._pull))
        except Exception as error:  # there was no thread to be had
            self._error, self._over = error, True
        except asyncio.CancelledError as error:  # its loop ends
            # The thread may be at work still, and no other may enter its context: it sees that
            # this is closed once it has the value that it is at.
            self._closed = self._over = True
            self._error = error
        finally:
            self._job = None
            if self._closed and not self._over:
                self._go_on()  # it was closed when its thread had just gone
            self._wake()

    def _pull(self) -> None:
        """Runs in a thread."""
        try:
            while len(self._ready) < AHEAD and not self._closed:
                self._ready.append(next(self._iterator))
                if self._asleep:
                    self._asleep = False
                    with suppress(RuntimeError):  # that loop is closed, and so is this
                        self._loop.call_soon_threadsafe(self._wake)
            if self._closed:
                self._over = True
                getattr(self._iterator, "close", lambda: None)()
        except StopIteration:
            self._over = True
        except StopAsyncIteration as error:  # it would pass for the end
            self._error = RuntimeError("the iterator raised StopAsyncIteration")
            self._error.__cause__ = error
            self._over = True
        except BaseException as error:
            self._error, self._over = error, True

    async def aclose(self) -> None:
        """Its thread closes the iterator, once that has given what it is at."""
        if not self._over:
            self._closed = True
            self._go_on()


class InThread:
    """The values of a stream of the event loop ``loop``, for a thread: a plain iterator.

    ``submit`` runs a coroutine there, and raises where that loop runs no more.
    """

    def __init__(
        self, stream: Any, loop: asyncio.AbstractEventLoop, submit: Submit | None = None
    ) -> None:
        self._stream = stream
        self._loop = loop
        self._submit = partial(_submit, loop) if submit is None else submit
        self._ready: deque[Any] = deque()
        # Raised once what came before it has been taken.
        self._end: BaseException | None = None

    def __iter__(self) -> "InThread":
        return self

    def __next__(self) -> Any:
        if not self._ready:
            if self._end is not None:
                self._finish()
            self._wait_for(self._take)
            if not self._ready:
                self._finish()
        return self._ready.popleft()

    # For a plain method that hands it to code of the event loop.

    def __aiter__(self) -> "InThread":
        return self

    async def __anext__(self) -> Any:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("this stream belongs to another event loop: iterate it in a thread")
        if not self._ready:
            if self._end is None:
                await self._take()
            if not self._ready:
                end, self._end = self._end, StopIteration()
                raise StopAsyncIteration if isinstance(end, StopIteration | None) else end
        return self._ready.popleft()

    async def aclose(self) -> None:
        if self._stop():
            await close(self._stream)

    def _finish(self) -> None:
        end, self._end = self._end, StopIteration()
        raise StopIteration if end is None else end

    async def _take(self) -> None:
        """The next value, and those behind it that are there already."""
        try:
            self._ready.append(await anext(self._stream))
            while getattr(self._stream, "at_hand", 0) and len(self._ready) < AHEAD:
                self._ready.append(await anext(self._stream))
        except StopAsyncIteration:
            self._end = StopIteration()
        except Exception as error:
            self._end = error

    def _wait_for(self, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        if self._loop is asyncio._get_running_loop():
            raise RuntimeError("this would wait for its own event loop: use `async for`")
        future = self._submit(start)
        try:
            future.result()
        except BaseException:  # KeyboardInterrupt
            future.cancel()
            raise

    def close(self) -> None:
        """Read no more: the other end is told."""
        if self._stop():
            self._wait_for(partial(close, self._stream))

    def _stop(self) -> bool:
        """Whether its stream is still to be closed."""
        open = not isinstance(self._end, StopIteration)
        self._end = StopIteration()
        self._ready.clear()
        return open

    def __enter__(self) -> "InThread":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self._stream!r}, for a thread>"


def _submit(
    loop: asyncio.AbstractEventLoop, start: Callable[[], Coroutine[Any, Any, Any]]
) -> Future[Any]:
    work = start()
    try:
        return asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:  # that loop is closed
        work.close()
        raise


async def in_thread(function: Callable[[], None]) -> None:
    """Run it in a thread that keeps no process alive."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        try:
            function()
        finally:
            with suppress(RuntimeError):  # that loop is closed: nobody waits
                loop.call_soon_threadsafe(_settle, done)

    threading.Thread(target=run, name="facade-stream", daemon=True).start()
    await done


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
