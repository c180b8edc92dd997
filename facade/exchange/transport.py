"""The only door to gRPC: streams and unary calls of bytes, and its errors as ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
from facade.exchange.stream import ConsumerStream, FrameStream

SERVICE = "facade.v1.Facade"
EXCHANGE = f"/{SERVICE}/Exchange"
INVOKE = f"/{SERVICE}/Invoke"
DESCRIBE = f"/{SERVICE}/Describe"

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


def channel_options(max_message_size: int, heartbeat: float, patience: float) -> Options:
    return (
        *_common_options(max_message_size, heartbeat, patience),
        # A connection of its own, and with it no memory of failures: C-core's backoff would
        # make a provider that is back wait for seconds. We have a backoff ourselves.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
    )


def server_options(
    max_message_size: int, heartbeat: float, patience: float, reuse_port: bool = False
) -> Options:
    return (
        *_common_options(max_message_size, heartbeat, patience),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.http2.max_ping_strikes", 0),
        # Two servers on one port would share its callers silently.
        ("grpc.so_reuseport", int(reuse_port)),
    )


def _common_options(max_message_size: int, heartbeat: float, patience: float) -> Options:
    # Room for the frame around the largest envelope.
    longest = max_message_size + 1024
    return (
        ("grpc.max_send_message_length", longest),
        ("grpc.max_receive_message_length", longest),
        ("grpc.keepalive_time_ms", int(heartbeat * 1000)),
        ("grpc.keepalive_timeout_ms", int(patience * 1000)),
        # Without it the keepalive's own timeout is not honoured: a frozen peer would be
        # noticed after a minute.
        ("grpc.http2.ping_timeout_ms", int(patience * 1000)),
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

    @property
    def available(self) -> bool:
        return not self._closed

    def _channel(self) -> Any:
        try:
            fork.claim()
        except RuntimeError as error:
            raise Unavailable(str(error), sent=Sent.NOT_SENT) from None
        return grpc.aio.insecure_channel(self.target, options=self._options)

    async def open(self) -> ConsumerStream:
        channel = self._channel()
        return ClientStream(channel, channel.stream_stream(EXCHANGE)(), self.target)

    async def invoke(self, request: bytes, timeout: float | None) -> bytes:
        call = self._unary_channel().unary_unary(INVOKE)
        try:
            answer: bytes = await call(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise translate(error, self.target) from None
        return answer

    async def describe(self, request: bytes, timeout: float) -> bytes:
        return await _describe(self._unary_channel(), self.target, request, timeout)

    def _unary_channel(self) -> Any:
        if self._closed:
            raise Unavailable("the client is closed", sent=Sent.NOT_SENT)
        if self._unary is None:
            self._unary = self._channel()
        return self._unary

    async def close(self, grace: float) -> None:
        self._closed = True
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
            return translate(error, self.remote_address)
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


class ServerStream:
    """The provider's end of an Exchange call."""

    end = grpc.aio.EOF

    def __init__(self, context: Any, local_address: str) -> None:
        self.error: RpcError | None = None
        self.remote_address = context.peer()
        self.local_address = local_address
        self.read = context.read
        self.write = context.write

    def explain(self, error: Exception) -> RpcError | None:
        if isinstance(error, (grpc.aio.BaseError, asyncio.InvalidStateError)):
            return Unavailable(f"the stream from {self.remote_address} broke: {error}")
        return None

    async def finish(self) -> None:
        """The provider's end finishes with its handler."""

    def close(self, error: RpcError | None = None) -> None:
        self.error = error


class GrpcListener:
    """Serves the gRPC service at one address and hands on what comes in."""

    def __init__(
        self,
        exchange: Callable[[FrameStream], Awaitable[None]],
        invoke: Callable[[bytes, str, float | None], Awaitable[bytes]],
        describe: Callable[[bytes], Awaitable[bytes]],
        options: Options,
    ) -> None:
        fork.claim()
        self._exchange = exchange
        self._invoke = invoke
        self._describe = describe
        self.address = ""
        self._server = grpc.aio.server(options=list(options))
        handlers = {
            "Exchange": grpc.stream_stream_rpc_method_handler(self._serve_stream),
            "Invoke": grpc.unary_unary_rpc_method_handler(self._serve_call),
            "Describe": grpc.unary_unary_rpc_method_handler(self._serve_describe),
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, handlers),)
        )

    async def start(self, address: str) -> int:
        """Listen; the port. OSError, which names the address, where that can't be done."""
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise _cannot_listen(address, error) from None
        if port == 0 and not address.startswith(("unix:", "unix-abstract:")):
            raise _cannot_listen(address, None)
        await self._server.start()
        # The port that it really is, where any would do.
        self.address = f"{address.rpartition(':')[0]}:{port}" if port else address
        return int(port)

    async def stop(self, grace: float | None) -> None:
        """Take nothing new at once, and end what is left after ``grace`` seconds."""
        await self._server.stop(grace)

    async def _serve_stream(self, _: Any, context: Any) -> None:
        stream = ServerStream(context, self.address)
        await self._exchange(stream)
        error = stream.error
        if error is not None:
            await context.abort(_grpc_status(error.status), error.message)

    async def _serve_call(self, request: bytes, context: Any) -> bytes:
        try:
            return await self._invoke(request, context.peer(), context.time_remaining())
        except RpcError as error:
            await context.abort(_grpc_status(error.status), error.message)
            raise

    async def _serve_describe(self, request: bytes, context: Any) -> bytes:
        try:
            return await self._describe(request)
        except RpcError as error:
            await context.abort(_grpc_status(error.status), error.message)
            raise


def _cannot_listen(address: str, error: Exception | None) -> OSError:
    reason = f": {error}" if error else ""
    return OSError(f"cannot listen at {address}: is the port in use, or not ours to take?{reason}")


def _grpc_status(status: Status) -> grpc.StatusCode:
    return grpc.StatusCode[status.name]


def translate(error: grpc.aio.AioRpcError, target: str) -> RpcError:
    """An error of grpcio's as one of ours. That of a whole stream says nothing about a call."""
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
            f"{target} is no facade provider, or an older one: {details}", remote=True
        )
    if status is Status.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{target}: {details}", remote=True)
    if status is Status.RESOURCE_EXHAUSTED:
        return LimitExceeded(f"{target}: {details}", remote=True)
    return RpcError(f"{target}: {details}", code=Code.NETWORK, status=status, remote=True)
