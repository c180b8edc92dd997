"""What a servicer yields or writes, as a stream that filters can wrap."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from facade.core.errors import RpcError, Status
from facade.core.result import Result
from facade.provider.native.context import Context, unexpected

_NOTHING = object()

Body = Callable[["Written"], Awaitable[None]]


class Written(AsyncIterator[Any]):
    """Runs the servicer in a task of its own, one item ahead at most, once somebody reads.

    The task has the context of the call, though the filters that made it have returned by
    then. What the servicer says at its end comes into the attachments of ``result``.
    """

    def __init__(self, body: Body, context: Context) -> None:
        self.result = Result(self)
        self._body = body
        self._context = context
        self._surroundings = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None
        self._item: Any = _NOTHING
        # Set when an item was put or taken, or there will be none.
        self._changed = asyncio.Event()
        self._closed = False

    async def emit(self, item: Any) -> None:
        """Give one, and wait until there is room for the next."""
        if self._closed:
            raise grpc.aio.UsageError("the call is over")
        if self._context.aborted is not None:
            raise self._context.aborted
        self._context.answered = True
        while self._item is not _NOTHING:
            await self._change()
            if self._closed:
                raise grpc.aio.UsageError("the call is over")
        self._item = item
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def __anext__(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        if self._task is None:
            run = self._run()
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(run, name="facade-servicer", context=self._surroundings)
            self._task.add_done_callback(lambda _: self._changed.set())
        while self._item is _NOTHING:
            if self._task.done():
                return self._ended(self._task)
            await self._change()
        item, self._item = self._item, _NOTHING
        self._changed.set()
        return item

    def _ended(self, task: asyncio.Task[None]) -> Any:
        if task.cancelled():
            raise RpcError("the servicer was cancelled", status=Status.CANCELLED)
        task.result()
        raise StopAsyncIteration

    async def _run(self) -> None:
        raised: BaseException | None = None
        try:
            await self._body(self)
        except Exception as error:
            raised = error
        except SystemExit as error:  # a caller must not end the process
            raised = RpcError(unexpected(error))
        self.result.attachments.update(self._context.attachments())
        failed = self._context.failure(raised)
        if failed is not None:
            raise failed

    async def aclose(self) -> None:
        """Nobody reads on: end the servicer."""
        if self._closed:
            return
        self._closed = True
        self._changed.set()  # for tasks of the servicer's own that write
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait((task,))
        if task is not None and not task.cancelled():
            task.exception()  # nobody else asks
        # All of these hold it in turn, and would be garbage for the collector.
        del self.result, self._body, self._context, self._surroundings
