"""The channel that stubs take which are used without asyncio."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import grpc

from facade.consumer.engine import Engine
from facade.consumer.limit import Limits
from facade.consumer.stubs.blocking import AnswersCall, FutureCall
from facade.consumer.stubs.conversation import Conversation
from facade.consumer.stubs.method import StubMethod
from facade.core.filter import Invoker
from facade.exchange.native import Rpc
from facade.exchange.transport import GrpcTransport


class BlockingChannel(grpc.Channel):  # type: ignore[misc]
    """A ``grpc.Channel`` whose calls run through a client's chain. Any thread may use it.

    Its connection is the client's, made with the first call and closed with the client: to
    close the channel changes nothing.
    """

    def __init__(
        self, engine: Engine, invoker: Invoker, limits: Limits, transport: GrpcTransport
    ) -> None:
        self.invoker = invoker
        self._engine = engine
        self._limits = limits
        self._target = transport.target

    def unary_unary(self, method: str, *codecs: Any, **more: Any) -> "UnaryCallable":
        return UnaryCallable(self._engine, self._method(method, False, False, *codecs, **more))

    def unary_stream(self, method: str, *codecs: Any, **more: Any) -> "StreamCallable":
        return StreamCallable(self._engine, self._method(method, False, True, *codecs, **more))

    def stream_unary(self, method: str, *codecs: Any, **more: Any) -> "UnaryCallable":
        return UnaryCallable(self._engine, self._method(method, True, False, *codecs, **more))

    def stream_stream(self, method: str, *codecs: Any, **more: Any) -> "StreamCallable":
        return StreamCallable(self._engine, self._method(method, True, True, *codecs, **more))

    def _method(
        self,
        path: str,
        streamed: bool,
        yields: bool,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool = False,
    ) -> StubMethod:
        rpc = Rpc(path, streamed, yields, request_serializer, response_deserializer)
        return StubMethod(self.invoker, self._limits, rpc)

    def subscribe(self, callback: Callable[..., None], try_to_connect: bool = False) -> None:
        raise NotImplementedError("a client's channel tells no states: call a method to find out")

    def unsubscribe(self, callback: Callable[..., None]) -> None:
        """Nothing is ever subscribed."""

    def close(self) -> None:
        """Nothing: the client closes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BlockingChannel to {self._target!r}: {self.invoker!r}>"


class StubCallable:
    """A method of a stub."""

    __slots__ = ("_engine", "_method")

    def __init__(self, engine: Engine, method: StubMethod) -> None:
        self._engine = engine
        self._method = method

    def _prepare(
        self,
        request: Any = None,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str | bytes]] | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
        *,
        request_iterator: Any = None,
    ) -> Conversation:
        if request_iterator is not None:  # grpcio's name for it
            request = request_iterator
        return self._method.prepare(
            iter(request) if self._method.rpc.streamed else request,
            timeout,
            metadata,
            credentials=credentials,
            wait_for_ready=wait_for_ready,
            compression=compression,
        )

    def __repr__(self) -> str:
        return repr(self._method)


class UnaryCallable(StubCallable):
    """A method with one answer."""

    __slots__ = ()

    def __call__(self, *request: Any, **more: Any) -> Any:
        """Call, wait, and give the answer. Takes request (or request_iterator), timeout
        (seconds), metadata, credentials, wait_for_ready and compression, as grpcio's."""
        return self.with_call(*request, **more)[0]

    def with_call(self, *request: Any, **more: Any) -> tuple[Any, grpc.Call]:
        """The answer, and the call, which knows metadata and status."""
        call = self.future(*request, **more)
        try:
            return call.result(), call
        except KeyboardInterrupt:  # the call goes with whom it was for
            call.cancel()
            raise

    def future(self, *request: Any, **more: Any) -> FutureCall:
        """Begin the call; its future."""
        return FutureCall(self._engine, self._prepare(*request, **more))


class StreamCallable(StubCallable):
    """A method with many answers."""

    __slots__ = ()

    def __call__(self, *request: Any, **more: Any) -> AnswersCall:
        """Begin the call; what iterates over its answers. Takes what UnaryCallable takes."""
        return AnswersCall(self._engine, self._prepare(*request, **more))
