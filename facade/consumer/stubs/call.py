"""What a call of a stub gives on asyncio: grpc.aio's call objects, one class for each kind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from functools import partial
from typing import Any

import grpc.aio

from facade.consumer.stubs.conversation import Conversation
from facade.exchange.native import END


class Call:
    """What all kinds have. One that is let go of before its end is cancelled."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        conversation.start()

    def __del__(self) -> None:
        conversation = getattr(self, "_conversation", None)
        if conversation is not None:
            conversation.abandon()

    def cancel(self) -> bool:
        return self._conversation.cancel()

    def cancelled(self) -> bool:
        return self._conversation.cancelled()

    def done(self) -> bool:
        return self._conversation.done()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._conversation.add_callback(partial(callback, self))

    def time_remaining(self) -> float | None:
        return self._conversation.time_remaining()

    async def initial_metadata(self) -> Any:
        return await self._conversation.initial_metadata()

    async def trailing_metadata(self) -> Any:
        return await self._conversation.trailing_metadata()

    async def code(self) -> grpc.StatusCode:
        return await self._conversation.code()

    async def details(self) -> str:
        return await self._conversation.details()

    async def wait_for_connection(self) -> None:
        await self._conversation.connected()

    def __repr__(self) -> str:
        state = "ended" if self.done() else "under way"
        return f"<{type(self).__name__} of {self._conversation.invocation}, {state}>"


class Answered(Call):
    """It is awaited for its one answer."""

    def __await__(self) -> Generator[Any, None, Any]:
        return (yield from self._conversation.value().__await__())  # which keeps hold of it


class Answering(Call):
    """Its answers are iterated over, or read."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        answer = await self._conversation.read()
        if answer is END:
            raise StopAsyncIteration
        return answer

    async def read(self) -> Any:
        """The next, or ``grpc.aio.EOF``."""
        return await self._conversation.read()


class Asking(Call):
    """Its requests are written, where no iterator of them was given."""

    async def write(self, request: Any) -> None:
        """Send one more. What the call failed with where it has; InvalidStateError after
        ``done_writing``, or once the call has ended."""
        writing = self._writing()
        try:
            await writing.write(request)
        except asyncio.InvalidStateError:
            if writing.ended:
                await self._conversation.check()
            raise
        except asyncio.CancelledError:
            self.cancel()
            raise

    async def done_writing(self) -> None:
        self._writing().finish()

    def _writing(self) -> Any:
        if self._conversation.writing is None:
            raise grpc.aio.UsageError(
                "the requests of this call come from the iterator that it was given"
            )
        return self._conversation.writing


class UnaryUnaryCall(Answered, grpc.aio.UnaryUnaryCall):  # type: ignore[misc]
    pass


class UnaryStreamCall(Answering, grpc.aio.UnaryStreamCall):  # type: ignore[misc]
    pass


class StreamUnaryCall(Asking, Answered, grpc.aio.StreamUnaryCall):  # type: ignore[misc]
    pass


class StreamStreamCall(Asking, Answering, grpc.aio.StreamStreamCall):  # type: ignore[misc]
    pass


CALLS: dict[str, type[Call]] = {
    "unary_unary": UnaryUnaryCall,
    "unary_stream": UnaryStreamCall,
    "stream_unary": StreamUnaryCall,
    "stream_stream": StreamStreamCall,
}
