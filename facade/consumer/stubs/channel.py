"""The channel that stubs take which are used with asyncio."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self

import grpc
import grpc.aio

from facade.consumer.limit import Limits
from facade.consumer.stubs.call import CALLS, Call
from facade.consumer.stubs.conversation import Conversation
from facade.consumer.stubs.method import StubMethod
from facade.consumer.stubs.writing import Writing
from facade.core.filter import Invoker
from facade.exchange.native import Rpc
from facade.exchange.transport import GrpcTransport


class Channel(grpc.aio.Channel):  # type: ignore[misc]
    """A ``grpc.aio.Channel`` whose calls run through a client's chain.

    Its connection is the client's, made with the first call and closed with the client: to
    close the channel changes nothing.
    """

    def __init__(self, invoker: Invoker, limits: Limits, transport: GrpcTransport) -> None:
        self.invoker = invoker
        self._limits = limits
        self._transport = transport

    def unary_unary(self, method: str, *codecs: Any, **more: Any) -> Any:
        return self._method(method, False, False, *codecs, **more)

    def unary_stream(self, method: str, *codecs: Any, **more: Any) -> Any:
        return self._method(method, False, True, *codecs, **more)

    def stream_unary(self, method: str, *codecs: Any, **more: Any) -> Any:
        return self._method(method, True, False, *codecs, **more)

    def stream_stream(self, method: str, *codecs: Any, **more: Any) -> Any:
        return self._method(method, True, True, *codecs, **more)

    def _method(
        self,
        path: str,
        streamed: bool,
        yields: bool,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool = False,
    ) -> "StubCallable":
        rpc = Rpc(path, streamed, yields, request_serializer, response_deserializer)
        return StubCallable(StubMethod(self.invoker, self._limits, rpc))

    async def close(self, grace: float | None = None) -> None:
        """Nothing: the client closes."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._transport.channel().get_state(try_to_connect)

    async def wait_for_state_change(self, last: grpc.ChannelConnectivity) -> None:
        await self._transport.channel().wait_for_state_change(last)

    async def channel_ready(self) -> None:
        await self._transport.channel().channel_ready()

    def __repr__(self) -> str:
        return f"<Channel to {self._transport.target!r}: {self.invoker!r}>"


class StubCallable:
    """A method of a stub, to be called as grpc.aio's."""

    __slots__ = ("_calls", "_method")

    def __init__(self, method: StubMethod) -> None:
        self._method = method
        self._calls = CALLS[method.rpc.kind]

    def __call__(
        self,
        request: Any = None,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str | bytes]] | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
        *,
        request_iterator: Any = None,
    ) -> Call:
        """Begin a call; ``timeout`` is in seconds. See ``grpc.aio`` for what it gives."""
        streamed = self._method.rpc.streamed
        if request_iterator is not None:  # grpcio's name for it
            request = request_iterator
        writing = Writing() if streamed and request is None else None
        if streamed:
            request = _iterated(request) if writing is None else writing
        conversation: Conversation = self._method.prepare(
            request,
            timeout,
            metadata,
            credentials=credentials,
            wait_for_ready=wait_for_ready,
            compression=compression,
        )
        conversation.writing = writing
        return self._calls(conversation)

    def __repr__(self) -> str:
        return repr(self._method)


def _iterated(requests: Any) -> AsyncIterator[Any]:
    return aiter(requests) if hasattr(requests, "__aiter__") else _walk(iter(requests))


async def _walk(requests: Any) -> AsyncIterator[Any]:
    for request in requests:
        yield request
