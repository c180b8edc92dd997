"""One call of a stub, from its start to its status."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from facade.consumer.stubs.error import CANCELLED, StubError, as_grpc
from facade.consumer.stubs.writing import Writing
from facade.core.chain import accuse, explain
from facade.core.context import adopt
from facade.core.errors import RpcError, Status
from facade.core.filter import Invoker
from facade.core.future import settle
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.exchange.metadata import Pairs, to_metadata
from facade.exchange.native import END, NativeCall, Rpc


class Conversation:
    """The chain runs in a task of its own from ``start`` on, as gRPC's own calls begin at once.

    All of it is for the thread of the event loop. What is raised is grpcio's as well as ours.
    ``metadata`` are those that the caller gave.
    """

    def __init__(
        self,
        invoker: Invoker,
        invocation: Invocation,
        rpc: Rpc,
        metadata: Pairs,
        options: dict[str, Any],
    ) -> None:
        self.rpc = rpc
        self.metadata = metadata
        self.options = options
        self.invocation = invocation
        self.error: BaseException | None = None
        self.finished = True  # until it begins: there is nothing to end
        # Where requests are written.
        self.writing: Writing | None = None
        self._invoker = invoker
        self._native: NativeCall | None = None
        self._result = Result()
        self._callbacks: list[Callable[[], None]] = []

    def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.finished = False
        self._reached = self.loop.create_future()
        self._task = self.loop.create_task(self._run(), name="facade-stub")

    async def _run(self) -> None:
        invocation = self.invocation
        adopt(invocation)
        try:
            result = await self._invoker.invoke(invocation)
            if not isinstance(result, Result):
                raise accuse(self._invoker, result)
            if self.rpc.yields and result.exception is None:
                self._answers = aiter(result.value)
        except BaseException as error:
            explain(self._invoker, error)
            settle(invocation, error)
            self._finish(error)
            if isinstance(error, Exception):
                return  # whoever asks is told
            raise
        self._result = result
        # The context must not hold a stream that its reader lets go of.
        streams = self.rpc.yields and result.exception is None
        settle(invocation, Result() if streams else result)
        if result.exception is not None or not self.rpc.yields:
            self._finish(result.exception)
        else:
            self._arrive()

    def begun(self, call: NativeCall) -> None:
        """Of an attempt, by the inner end of the chain."""
        self._native = call
        if self.rpc.yields:
            # Its status may come to someone who does not read to the end.
            call.call.add_done_callback(lambda _: self._hang_up())
        self._arrive()

    def _hang_up(self) -> None:
        """Nothing more is sent."""
        if self.writing is not None:
            self.writing.end()
        self._tell()

    def _arrive(self) -> None:
        if not self._reached.done():
            self._reached.set_result(None)

    def _finish(self, error: BaseException | None) -> None:
        if not self.finished:
            native = self._native
            facts = (native.initial, native.trailing) if native is not None else ()
            self.error = None if error is None else as_grpc(error, *facts)
            self.finished = True
            if native is not None and not native.call.done():
                native.cancel()  # a filter ended it early
            if self.writing is not None:
                self.writing.end()
        self._arrive()
        self._tell()

    def _tell(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            self.loop.call_soon(callback)

    # Answers

    async def value(self) -> Any:
        await self._task
        if self.error is not None:
            raise self.error
        return self._result.value

    async def read(self) -> Any:
        """The next answer, or END."""
        if not self._task.done():
            await self._ran()
        if self.finished:
            if self.error is not None:
                raise self.error
            return END
        try:
            return await anext(self._answers)
        except StopAsyncIteration:
            self._finish(None)
            return END
        except BaseException as error:
            self._finish(error)
            if not isinstance(error, Exception):
                raise
        assert self.error is not None
        raise self.error

    async def _ran(self) -> None:
        try:
            await asyncio.wait((self._task,))
        except asyncio.CancelledError:
            self.cancel()
            raise

    # What is told beside them

    async def settled(self) -> None:
        """Wait for the status."""
        if self.rpc.yields:
            await asyncio.wait((self._task,))
            if not self.finished and self._native is not None:
                await self._native.call.code()
        else:
            await asyncio.wait((self._task,))

    async def code(self) -> grpc.StatusCode:
        await self.settled()
        if not self.finished and self._native is not None:
            return await self._native.call.code()
        if isinstance(self.error, asyncio.CancelledError):
            return grpc.StatusCode.CANCELLED
        if self.error is None:
            return grpc.StatusCode.OK
        status = self.error.status if isinstance(self.error, RpcError) else Status.UNKNOWN
        return grpc.StatusCode[status.name]

    async def details(self) -> str:
        await self.settled()
        if not self.finished and self._native is not None:
            text: str = await self._native.call.details()
            return text
        if isinstance(self.error, StubError):
            return str(self.error.details())
        if isinstance(self.error, asyncio.CancelledError):
            return CANCELLED
        return "" if self.error is None else str(self.error)

    async def initial_metadata(self) -> Any:
        await asyncio.wait((self._reached,))
        if self._native is None:
            return grpc.aio.Metadata()
        return await self._native.call.initial_metadata()

    async def trailing_metadata(self) -> Any:
        await self.settled()
        if self._native is None:  # a filter answered
            return grpc.aio.Metadata(*to_metadata(self._result.attachments))
        return await self._native.call.trailing_metadata()

    async def connected(self) -> None:
        await asyncio.wait((self._reached,))
        if self._native is not None and not self.finished:
            try:
                await self._native.connected()
            except RpcError as error:
                raise as_grpc(error, self._native.initial, self._native.trailing) from None
        if self.finished and self.error is not None:
            raise self.error

    async def check(self) -> None:
        """Wait for the status. Raises what it failed with."""
        await self.settled()
        await self.connected()

    def done(self) -> bool:
        native = self._native
        ended = native is not None and self._task.done() and bool(native.call.done())
        return self.finished or (self.rpc.yields and ended)

    def time_remaining(self) -> float | None:
        countdown = self.invocation.countdown
        return self.invocation.timeout if countdown is None else max(0.0, countdown.remaining)

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Called when it is done, or soon if it is."""
        self._callbacks.append(callback)
        if self.done():
            self._tell()

    # The end

    def cancelled(self) -> bool:
        return isinstance(self.error, asyncio.CancelledError)

    def cancel(self) -> bool:
        """Whether there was something to cancel."""
        if self.done():
            return False
        self._task.cancel()
        if self._native is not None:
            self._native.cancel()
        if self._task.done() and hasattr(self._result.value, "aclose"):
            # A filter may have put something around it that wants to know.
            self._closing = self.loop.create_task(_close(self._result.value))
        self._finish(asyncio.CancelledError())
        return True

    def abandon(self) -> None:
        """Nobody can ask any more, on whatever thread that shows."""
        if not self.finished and not self.loop.is_closed():
            with suppress(RuntimeError):  # it closed meanwhile
                self.loop.call_soon_threadsafe(self.cancel)


async def _close(answers: Any) -> None:
    with suppress(RuntimeError):  # it is being read, and ends with that
        await answers.aclose()
