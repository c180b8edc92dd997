"""Streams for servicers that are not async: between threads and the event loop."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import grpc

from facade.core.errors import RpcError, Status
from facade.provider.pool import ThreadPool

_END = object()


class Cancelled(RpcError, grpc.RpcError):  # type: ignore[misc]
    """Raised to who waits for a request that won't come."""


class BlockingRequests(Iterator[Any]):
    """Requests, for a servicer that waits for them in its thread. ``end`` wakes it up."""

    def __init__(self, requests: AsyncIterator[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._requests = requests
        self._loop = loop
        self._waiting: concurrent.futures.Future[Any] | None = None
        self._ended = threading.Event()

    def __next__(self) -> Any:
        if self._ended.is_set():
            raise self._cancelled()
        self._waiting = waiting = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        if self._ended.is_set():  # meanwhile
            waiting.cancel()
        try:
            item = waiting.result()
        except concurrent.futures.CancelledError:
            raise self._cancelled() from None
        if item is _END:
            raise StopIteration
        return item

    async def _next(self) -> Any:
        return await anext(self._requests, _END)

    def _cancelled(self) -> Cancelled:
        return Cancelled("the call was over before its requests were", status=Status.CANCELLED)

    def end(self) -> None:
        """The call is over: nobody will give more."""
        self._ended.set()
        if self._waiting is not None:
            self._waiting.cancel()


class BlockingAnswers:
    """What a plain generator yields: each step in a thread, none held between them."""

    def __init__(self, answers: Any, pool: ThreadPool) -> None:
        self._answers = iter(answers)
        self._pool = pool
        self._running = False
        self._left = False

    async def write(self, emit: Callable[[Any], Awaitable[None]]) -> None:
        """Hand all on. A generator that is left in the middle is closed."""
        begun = False
        try:
            while (item := await self._pool.run(self._step, (), None, begun=begun)) is not _END:
                await emit(item)
                begun = True
        except BaseException:
            await self._leave()
            raise

    def _step(self) -> Any:
        self._running = True
        try:
            return _END if self._left else next(self._answers, _END)
        finally:
            self._running = False
            if self._left:
                self._close()

    async def _leave(self) -> None:
        self._left = True
        if not self._running:  # else the step itself closes it
            # With no threads any more, it is closed when it is forgotten.
            with contextlib.suppress(RuntimeError):
                await self._pool.run(self._close, (), None, begun=True)

    def _close(self) -> None:
        close = getattr(self._answers, "close", None)
        if close is not None:
            with contextlib.suppress(ValueError):  # it runs, in another thread
                close()
