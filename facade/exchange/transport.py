"""The consumer's door to gRPC: streams and unary calls of bytes, and its errors as ours."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import grpc.aio

from facade.core.cancellation import of_this_task
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
from facade.exchange.credentials import Credentials, Refused
from facade.exchange.handshake import HandshakeFailed, refusal, suspicion
from facade.exchange.options import SELDOM_PINGED, Options
from facade.exchange.stream import ConsumerStream
from facade.loops import check_alone, running_loop

if TYPE_CHECKING:
    from facade.exchange.metadata import Pairs
    from facade.exchange.tls import ClientTls

SERVICE = "facade.v1.Facade"
EXCHANGE = f"/{SERVICE}/Exchange"
INVOKE = f"/{SERVICE}/Invoke"
DESCRIBE = f"/{SERVICE}/Describe"

# What else is to be thought of where the stream is unknown to the other end.
_NO_STREAMS = ", or serves no Exchange (then say unary=True)"

_CONNECTING = (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING)


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

    async def shown(self, timeout: float | None) -> "Pairs":
        """Metadata with the credentials, for a single call. Raises Unavailable, and
        DeadlineExceeded where they can't be had in ``timeout`` seconds."""
        ...

    async def invoke(self, request: bytes, timeout: float | None, shown: "Pairs") -> bytes:
        """One unary call, with what is ``shown``."""
        ...

    async def describe(self, request: bytes, timeout: float) -> bytes:
        """One Describe call, where there is no stream. It waits for the provider to be there."""
        ...

    async def close(self, grace: float) -> None:
        """Let unary calls under way end, for at most ``grace`` seconds, and take no more."""
        ...


class GrpcTransport:
    """Reaches a provider at a gRPC target, e.g. ``host:port``."""

    def __init__(
        self,
        target: str,
        options: Options,
        tls: "ClientTls | None" = None,
        credentials: Credentials | None = None,
    ) -> None:
        fork.check()
        self.target = target
        self.tls = tls
        self._credentials = credentials
        self._options = [*options, *(tls.options if tls is not None else ())]
        self._unary: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Future[None] | None = None
        # What the files of TLS were when it was made, and whether that may be of the past.
        self._stamp: object = None
        self._outdated = False
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
        told = [*self._options, *options]
        if self.tls is None:
            return grpc.aio.insecure_channel(self.target, options=told)
        try:
            credentials = self.tls.credentials()
        except (OSError, ValueError) as error:
            raise Unavailable(f"cannot reach {self.target}: {error}", sent=Sent.NOT_SENT) from None
        return grpc.aio.secure_channel(self.target, credentials, options=told)

    async def open(self) -> ConsumerStream:
        channel = self._channel(("grpc.enable_retries", 0))
        return ClientStream(
            channel, channel.stream_stream(EXCHANGE)(), self.target, self.tls, self.shown
        )

    async def shown(self, timeout: float | None) -> "Pairs":
        return () if self._credentials is None else await self._credentials.metadata(timeout)

    async def invoke(self, request: bytes, timeout: float | None, shown: "Pairs") -> bytes:
        call = self.channel().unary_unary(INVOKE)
        try:
            return await _answer(
                call(request, timeout=timeout, metadata=shown or None), self.target
            )
        except grpc.aio.AioRpcError as error:
            failure = translate(error, self.target, tls=self.tls)
            self.failed(failure)
            raise failure from None

    async def describe(self, request: bytes, timeout: float) -> bytes:
        until = monotonic() + timeout
        await self.check(timeout)
        shown = await self.shown(until - monotonic())
        left = until - monotonic()
        return await _describe(self.channel(), self.target, request, left, self.tls, shown)

    async def check(self, timeout: float) -> None:
        """Before a single call that would wait for its provider: HandshakeFailed, where it is
        there and TLS is refused. Takes no longer than ``timeout`` seconds."""
        if self.tls is None:
            return
        channel = self.channel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (state := channel.get_state(try_to_connect=True)) in _CONNECTING:
                    await channel.wait_for_state_change(state)
        if state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            return
        try:  # gRPC tells why with a call, and only with one that does not wait
            await channel.unary_unary(DESCRIBE)(b"", timeout=timeout)
        except grpc.aio.AioRpcError as error:
            failure = translate(error, self.target, tls=self.tls)
            self.failed(failure)
            if isinstance(failure, HandshakeFailed):
                raise failure from None

    def failed(self, failure: RpcError) -> None:
        """A single call did: where it could not connect, the next one looks at the files of TLS,
        as gRPC would go on with what was in them once."""
        self._outdated = self.tls is not None and failure.sent is Sent.NOT_SENT

    def channel(self) -> Any:
        """That of single calls, made with the first, for the event loop of that; and anew in
        another, once that does not run any more. RuntimeError where both run."""
        if self._closed:
            raise Unavailable("the client is closed", sent=Sent.NOT_SENT)
        if self._unary is not None and self._outdated and self._stamp != self._stamp_now():
            channel, self._unary = self._unary, None
            self._closing = asyncio.ensure_future(channel.close(5.0))
        loop = running_loop()
        if self._unary is not None and self._loop is not loop:
            check_alone(self._loop, self.target)
            self._unary = None
        if self._unary is None:
            self._loop = loop
            self._outdated = False
            self._stamp = self._stamp_now()
            # gRPC sends a call again which the other end says that it has not looked at, as a
            # proxy does with those that come when it has had enough of a connection.
            self._unary = self._channel(*SELDOM_PINGED)
        return self._unary

    def _stamp_now(self) -> object:
        return self.tls.stamp() if self.tls is not None else None

    async def close(self, grace: float) -> None:
        self._closed = True
        if self.under_way:
            await asyncio.wait([call.ended for call in self.under_way], timeout=grace)
            for call in tuple(self.under_way):
                call.drop()
        if self._unary is not None:
            channel, self._unary = self._unary, None
            await channel.close(grace)
        if self._closing is not None:
            await self._closing


async def _describe(
    channel: Any,
    target: str,
    request: bytes,
    timeout: float,
    tls: "ClientTls | None",
    shown: "Pairs",
) -> bytes:
    call = channel.unary_unary(DESCRIBE)
    answer = call(request, timeout=timeout, wait_for_ready=True, metadata=shown or None)
    try:
        return await _answer(answer, target)
    except grpc.aio.AioRpcError as error:
        raise translate(error, target, tls=tls) from None


async def _answer(call: Awaitable[bytes], target: str) -> bytes:
    """A channel that is closed cancels its calls, and with them who awaits them: Unavailable."""
    try:
        return await call
    except asyncio.CancelledError:
        if of_this_task():
            raise
        raise Unavailable(f"the connection to {target} was closed") from None


class ClientStream:
    """The consumer's end of an Exchange call."""

    end = grpc.aio.EOF

    def __init__(
        self,
        channel: Any,
        call: Any,
        target: str,
        tls: "ClientTls | None",
        shown: "Callable[[float | None], Awaitable[Pairs]]",
    ) -> None:
        self._channel = channel
        self._shown = shown
        self._tls = tls
        self._call = call
        self._closing: asyncio.Task[None] | None = None
        self.remote_address = target
        self.local_address = ""
        self.identity: Any = None  # gRPC does not tell it here
        self.read = call.read
        self._write: Callable[[bytes], Awaitable[None]] | None = None

    async def write(self, frame: bytes) -> None:
        """Past grpcio's own, which takes a write that fails for the end of the call: what the peer
        had sent before it ended that can't be read then, nor why it did."""
        if self._write is None:
            await self._call.wait_for_connection()
            core: Any = getattr(self._call, "_cython_call", None)  # private: it may go
            self._write = self._call.write if core is None else core.send_serialized_message
        await self._write(frame)

    def explain(self, error: Exception) -> RpcError | None:
        if isinstance(error, grpc.aio.AioRpcError):
            return translate(error, self.remote_address, _NO_STREAMS, self._tls)
        if isinstance(error, (grpc.aio.InternalError, asyncio.InvalidStateError)):
            # It was written to after its end.
            return Unavailable(f"the stream to {self.remote_address} has ended")
        return None

    async def describe(self, request: bytes, timeout: float) -> bytes:
        until = monotonic() + timeout
        shown = await self._shown(timeout)
        left = until - monotonic()
        return await _describe(self._channel, self.remote_address, request, left, self._tls, shown)

    async def finish(self) -> None:
        self._write = self._call.write  # which refuses more
        await self._call.done_writing()

    def close(self, error: RpcError | None = None) -> None:
        if self._closing is None:
            self._call.cancel()
            self._closing = asyncio.ensure_future(self._channel.close())

    async def gone(self) -> None:
        if self._closing is not None:
            status = asyncio.ensure_future(self._call.code())
            await asyncio.wait((self._closing, status), timeout=1)


def translate(
    error: grpc.aio.AioRpcError, target: str, what_else: str = "", tls: "ClientTls | None" = None
) -> RpcError:
    """An error of grpcio's as one of ours. That of a whole stream says nothing about a call.

    ``what_else`` a target that knows no such method may be.
    """
    status = Status(error.code().value[0])
    details = error.details() or status.name
    if status is Status.UNAVAILABLE:
        # The reason comes last in C-core's text.
        reason = details.rsplit(": ", 1)[-1] if "onnect" in details else details
        refused = "ailed to connect" in details
        if refused:
            why = refusal(details, target, tls)
            if why is not None:
                return HandshakeFailed(f"cannot reach {target}: {why}", sent=Sent.NOT_SENT)
            reason += suspicion(details, tls)
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
    if status is Status.UNAUTHENTICATED:
        return Refused(f"{target}: {details}", sent=Sent.NOT_EXECUTED, remote=True)
    return RpcError(f"{target}: {details}", code=Code.NETWORK, status=status, remote=True)
