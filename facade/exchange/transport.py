"""The consumer's door to gRPC: streams and unary calls of bytes, and its errors as ours."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import grpc
import grpc.aio

from facade.core.errors import (
    Code,
    DeadlineExceeded,
    LimitExceeded,
    RpcError,
    Sent,
    Status,
    Unavailable,
    Unimplemented,
)
from facade.exchange import fork
from facade.exchange.settings import Settings
from facade.exchange.stream import ConsumerStream

SERVICE = "facade.v1.Facade"
EXCHANGE = f"/{SERVICE}/Exchange"
INVOKE = f"/{SERVICE}/Invoke"
DESCRIBE = f"/{SERVICE}/Describe"

# What else is to be thought of where the stream is unknown to the other end.
_NO_STREAMS = ", or serves no Exchange (then say unary=True)"

Options = Sequence[tuple[str, Any]]


class Transport(Protocol):
    """How a consumer reaches one provider."""

    target: str

    @property
    def available(self) -> bool:
        """Whether it may still be used."""
        ...

    async def open(self) -> ConsumerStream:
        """A new stream, on a connection of its own. It may prove dead at the first read."""
        ...

    async def invoke(self, request: bytes, timeout: float | None) -> bytes:
        """One unary call."""
        ...

    async def describe(self, request: bytes, timeout: float) -> bytes:
        """One Describe call, where there is no stream. It waits for the provider to be there."""
        ...

    async def close(self, grace: float) -> None:
        """Let unary calls under way end, for at most ``grace`` seconds, and take no more."""
        ...


def channel_options(settings: Settings) -> Options:
    return (
        *common_options(settings),
        # A connection of its own, and with it no memory of failures: C-core's backoff would
        # make a provider that is back wait for seconds. We have a backoff ourselves.
        ("grpc.use_local_subchannel_pool", 1),
        # That of single calls has its channel for good, and its backoff would grow to minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    )


def common_options(settings: Settings) -> Options:
    """What both ends set alike."""
    # Room for the frame around the largest envelope.
    longest = settings.max_message_size + 1024
    patience = int(settings.heartbeat_timeout * 1000)
    return (
        ("grpc.max_send_message_length", longest),
        ("grpc.max_receive_message_length", longest),
        ("grpc.keepalive_time_ms", int(settings.heartbeat * 1000)),
        ("grpc.keepalive_timeout_ms", patience),
        # Without it the keepalive's own timeout is not honoured: a frozen peer would be
        # noticed after a minute.
        ("grpc.http2.ping_timeout_ms", patience),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )


class GrpcTransport:
    """Reaches a provider at a gRPC target, e.g. ``host:port``."""

    def __init__(self, target: str, options: Options) -> None:
        fork.check()
        self.target = target
        self._options = list(options)
        self._unary: Any = None
        self._closed = False
        # Native calls: older grpcio does not end those that nobody awaits.
        self.under_way: set[Any] = set()

    @property
    def available(self) -> bool:
        return not self._closed

    def _channel(self, *options: tuple[str, Any]) -> Any:
        try:
            fork.claim()
        except RuntimeError as error:
            raise Unavailable(str(error), sent=Sent.NOT_SENT) from None
        return grpc.aio.insecure_channel(self.target, options=[*self._options, *options])

    async def open(self) -> ConsumerStream:
        channel = self._channel(("grpc.enable_retries", 0))
        return ClientStream(channel, channel.stream_stream(EXCHANGE)(), self.target)

    async def invoke(self, request: bytes, timeout: float | None) -> bytes:
        call = self.channel().unary_unary(INVOKE)
        try:
            answer: bytes = await call(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise translate(error, self.target) from None
        return answer

    async def describe(self, request: bytes, timeout: float) -> bytes:
        return await _describe(self.channel(), self.target, request, timeout)

    def channel(self) -> Any:
        """That of single calls, made with the first, for the event loop of that."""
        if self._closed:
            raise Unavailable("the client is closed", sent=Sent.NOT_SENT)
        if self._unary is None:
            # gRPC sends a call again which the other end says that it has not looked at, as a
            # proxy does with those that come when it has had enough of a connection.
            self._unary = self._channel()
        return self._unary

    async def close(self, grace: float) -> None:
        self._closed = True
        if self.under_way:
            await asyncio.wait([call.ended for call in self.under_way], timeout=grace)
            for call in tuple(self.under_way):
                call.drop()
        if self._unary is not None:
            channel, self._unary = self._unary, None
            await channel.close(grace)


async def _describe(channel: Any, target: str, request: bytes, timeout: float) -> bytes:
    call = channel.unary_unary(DESCRIBE)
    try:
        answer: bytes = await call(request, timeout=timeout, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        raise translate(error, target) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # A channel that is closed cancels its calls, and with them who awaits them.
        raise Unavailable(f"the connection to {target} ended") from None
    return answer


class ClientStream:
    """The consumer's end of an Exchange call."""

    end = grpc.aio.EOF

    def __init__(self, channel: Any, call: Any, target: str) -> None:
        self._channel = channel
        self._call = call
        self._closing: asyncio.Task[None] | None = None
        self.remote_address = target
        self.local_address = ""
        self.read = call.read
        self.write = call.write

    def explain(self, error: Exception) -> RpcError | None:
        if isinstance(error, grpc.aio.AioRpcError):
            return translate(error, self.remote_address, _NO_STREAMS)
        if isinstance(error, asyncio.InvalidStateError):  # written to after its end
            return Unavailable(f"the stream to {self.remote_address} has ended")
        return None

    async def describe(self, request: bytes, timeout: float) -> bytes:
        return await _describe(self._channel, self.remote_address, request, timeout)

    async def finish(self) -> None:
        await self._call.done_writing()

    def close(self, error: RpcError | None = None) -> None:
        if self._closing is None:
            self._call.cancel()
            self._closing = asyncio.ensure_future(self._channel.close())


def translate(error: grpc.aio.AioRpcError, target: str, what_else: str = "") -> RpcError:
    """An error of grpcio's as one of ours. That of a whole stream says nothing about a call.

    ``what_else`` a target that knows no such method may be.
    """
    status = Status(error.code().value[0])
    details = error.details() or status.name
    if status is Status.UNAVAILABLE:
        # The reason comes last in C-core's text.
        reason = details.rsplit(": ", 1)[-1] if "onnect" in details else details
        refused = "ailed to connect" in details
        return Unavailable(
            f"cannot reach {target}: {reason}",
            sent=Sent.NOT_SENT if refused else Sent.MAYBE_EXECUTED,
        )
    if status is Status.UNIMPLEMENTED:
        return Unimplemented(
            f"{target} is no facade provider, or an older one{what_else}: {details}", remote=True
        )
    if status is Status.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{target}: {details}", remote=True)
    if status is Status.RESOURCE_EXHAUSTED:
        return LimitExceeded(f"{target}: {details}", remote=True)
    return RpcError(f"{target}: {details}", code=Code.NETWORK, status=status, remote=True)
