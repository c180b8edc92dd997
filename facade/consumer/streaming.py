"""Calls with streams: what sends them, and what a caller gets."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Coroutine, Generator, Mapping
from types import TracebackType
from typing import Any, Self

from facade.codec import CallingCodec, GenericStreamCodec, StreamCodec
from facade.consumer.connections import Connections
from facade.consumer.proxy import AsyncMethod, BlockingMethod
from facade.core.context import override
from facade.core.errors import InvalidArgument, Sent, Unimplemented
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.stream import close, is_stream
from facade.exchange.injvm import InjvmInvoker
from facade.exchange.streaming import Calls, StreamedCall
from facade.exchange.threads import FromThread, InThread, in_thread


class StreamInvoker:
    """Sends calls that have streams, and their values beside them."""

    def __init__(self, connector: Connections) -> None:
        self._connector = connector

    @property
    def available(self) -> bool:
        return self._connector.available

    async def _calls(self, invocation: Invocation) -> Calls:
        """What carries the call."""
        connection = self._connector.current
        loop = asyncio.get_running_loop()
        if connection is None or not connection.usable or connection.calls.loop is not loop:
            connection = await self._connector.connect(invocation)
        if not connection.takes_items:
            raise Unimplemented(
                f"{invocation} has streams, and the provider at {connection.peer.remote_address} "
                "does not know them: it is an older one",
                sent=Sent.NOT_SENT,
            )
        invocation.remote_address = connection.calls.remote_address
        return connection.calls

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        codec: StreamCodec = invocation.codec
        if invocation.oneway:
            raise InvalidArgument(
                f"{invocation} has streams: a oneway call has nobody to send them for",
                sent=Sent.NOT_SENT,
            )
        arguments, keywords, given = codec.take(invocation.arguments, invocation.keywords)
        streams = {index: as_stream(value, codec, index) for index, value in given.items()}
        payload = codec.encode_arguments(arguments, keywords)
        invocation.start_countdown()
        calls = await self._calls(invocation)
        return await StreamedCall(calls, invocation, payload, streams).result()

    def __repr__(self) -> str:
        return f"StreamInvoker({self._connector.target!r})"


class InjvmStreams(StreamInvoker):
    """The same within the process."""

    def __init__(self, connector: Connections, injvm: InjvmInvoker) -> None:
        super().__init__(connector)
        self._injvm = injvm

    @property
    def available(self) -> bool:
        return self._injvm.available

    async def _calls(self, invocation: Invocation) -> Calls:
        return self._injvm.line(invocation)


class NoStreams:
    """For a client that sends each call alone."""

    async def invoke(self, invocation: Invocation) -> Result:
        raise Unimplemented(
            f"{invocation} has streams, and this client sends each call alone: use one without "
            "unary=True",
            sent=Sent.NOT_SENT,
        )


def as_stream(value: Any, codec: StreamCodec, index: int) -> Any:
    # What is both comes from a thread, and may be of another event loop.
    if hasattr(type(value), "__iter__") and not isinstance(value, (str, bytes, Mapping)):
        return FromThread(iter(value), in_thread)
    if hasattr(type(value), "__aiter__"):
        return aiter(value)
    name = codec.method.parameters[index].name  # a generic call has none but iterators
    raise InvalidArgument(
        f"{codec.method}: argument {name!r}: expected an iterator, got {type(value).__name__}",
        sent=Sent.NOT_SENT,
    )


class RemoteStream(AsyncIterator[Any]):
    """The values of a remote method. ``async for`` makes the call; awaiting makes it too, and
    gives this again once the method has given its stream.

    Leaving the block of ``async with``, ``aclose()``, or letting go of it ends the call.
    """

    def __init__(self, call: Coroutine[Any, Any, Any] | None = None, stream: Any = None) -> None:
        self._call = call
        self._stream = stream

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._open().__await__()
        return self

    async def _open(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._stream = await call
        elif self._stream is None:
            raise RuntimeError("this stream is being opened by somebody else, or could not be")

    async def __anext__(self) -> Any:
        if self._stream is None:
            await self._open()
        return await anext(self._stream)

    @property
    def at_hand(self) -> int:
        """How many values can be had without waiting."""
        return getattr(self._stream, "at_hand", 0)

    async def aclose(self) -> None:
        """Read no more; the provider is told."""
        call, self._call = self._call, None
        if call is not None:
            call.close()
        await close(self._stream)

    async def __aenter__(self) -> Self:
        return await self if self._call is not None else self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class AsyncStreamMethod(AsyncMethod):
    """For AsyncClient: calling gives the stream."""

    __slots__ = ()

    def _answer(self, invocation: Invocation) -> Any:
        return RemoteStream(self._stream(invocation))

    async def _stream(self, invocation: Invocation) -> Any:
        stream = await super()._answer(invocation)
        invocation.outcome = Result()  # the context must not hold what its reader lets go of
        return stream

    async def _value(self, invocation: Invocation) -> Any:
        return RemoteStream(stream=await super()._value(invocation))


class BlockingStreamMethod(BlockingMethod):
    """For Client: calling waits for the stream, and gives a plain iterator."""

    __slots__ = ()

    def _answer(self, invocation: Invocation) -> Any:
        stream = self._for_thread(super()._answer(invocation))
        invocation.outcome = Result()  # the context must not hold what its reader lets go of
        return stream

    def _begin(self, invocation: Invocation) -> concurrent.futures.Future[Any]:
        return self._engine.start(self._invoker, invocation, self._for_thread)

    def _for_thread(self, value: Any) -> Any:
        engine = self._engine
        return InThread(value, engine.loop, engine.submit) if is_stream(value) else value


def gives_stream(codec: CallingCodec) -> bool:
    """Whether the value of the method that has this codec is a stream."""
    return isinstance(codec, StreamCodec | GenericStreamCodec) and codec.items is not None
