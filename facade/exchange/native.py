"""The consumer's door to the gRPC calls of any service, of all four kinds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

import grpc
import grpc.aio
import msgspec

from facade.core.cancellation import of_this_task
from facade.core.errors import (
    Code,
    InvalidArgument,
    RemoteError,
    RpcError,
    Sent,
    Status,
    Unavailable,
)
from facade.core.invocation import Attachments, Invocation
from facade.core.result import Result
from facade.core.stream import NOT_OF_THE_STREAM
from facade.exchange.metadata import RICH_STATUS, Pairs, check, to_attachments, to_metadata
from facade.exchange.nativeerror import late, read_error
from facade.exchange.overdue import out_of_time, time_left
from facade.exchange.transport import GrpcTransport

# What ``read`` gives at the end of a stream.
END = grpc.aio.EOF


class Rpc(msgspec.Struct, frozen=True):
    """A gRPC method: its path, and how its messages become bytes. What is ``streamed`` is
    an asynchronous iterator of requests; of one that ``yields`` the answers are read."""

    path: str
    streamed: bool
    yields: bool
    serialize: Callable[[Any], bytes] | None
    deserialize: Callable[[bytes], Any] | None

    @property
    def kind(self) -> str:
        return f"{'stream' if self.streamed else 'unary'}_{'stream' if self.yields else 'unary'}"


class NativeCall:
    """One gRPC call, begun when it is made. ``attachments`` fill as metadata come.

    ``request`` is what the method takes: a message, or an asynchronous iterator of them.

    ``options`` are gRPC's: wait_for_ready, credentials, compression. Raises what is wrong
    with the request, or with the client, before anything is sent.
    """

    def __init__(
        self,
        transport: GrpcTransport,
        rpc: Rpc,
        invocation: Invocation,
        request: Any,
        *,
        untouched: Pairs = (),
        headers: Pairs = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self._rpc = rpc
        self._invocation = invocation
        self._transport = transport
        self._target = invocation.remote_address = transport.target
        self._started = monotonic()
        self.attachments: Attachments = {}
        self._failure: BaseException | None = None
        self._feeding: asyncio.Task[None] | None = None
        self._given_up = False
        # Metadata as they came; empty until then.
        self.initial: Pairs = ()
        self.trailing: Pairs = ()
        left = time_left(invocation.countdown)
        if left is not None and left <= 0:  # gRPC would try, and may well succeed
            raise out_of_time(invocation, self._target)
        # gRPC's deadline would tell the provider.
        told = left if invocation.in_countdown else None
        self._channel = transport.channel()
        method = getattr(self._channel, rpc.kind)(rpc.path)
        metadata = (*to_metadata(invocation.attachments, untouched), *headers)
        given = () if rpc.streamed else (self._serialize(request),)
        try:
            check(metadata)
            self.call = method(*given, timeout=told, metadata=metadata, **(options or {}))
        except (grpc.aio.UsageError, ValueError, TypeError) as error:
            raise InvalidArgument(f"{invocation}: {error}", sent=Sent.NOT_SENT) from None
        self._timer: asyncio.TimerHandle | None = None
        if left is not None and told is None:
            self._timer = asyncio.get_running_loop().call_later(left, self._expire)
        if rpc.streamed:
            self._feeding = asyncio.create_task(self._feed(request), name="facade-requests")
        self._answers: Any = aiter(self.call) if rpc.yields else None
        self.ended = asyncio.get_running_loop().create_future()
        self._under_way = transport.under_way
        self._under_way.add(self)
        self.call.add_done_callback(self._end)

    # What came

    async def value(self) -> Any:
        """The answer of a method that gives one."""
        answer = await self._guarded(self._answer)
        return self._deserialize(answer)

    async def result(self) -> Result:
        """The answer, or what the method raised."""
        try:
            return Result(await self.value(), attachments=self.attachments)
        except RemoteError as error:
            return Result(exception=error, attachments=self.attachments)

    async def _answer(self) -> Any:
        answer = await self.call
        self._received(await self.call.initial_metadata(), await self.call.trailing_metadata())
        return answer

    async def read(self) -> Any:
        """The next answer of a stream, or END."""
        answer = await self._guarded(self._read)
        return answer if answer is END else self._deserialize(answer)

    async def _read(self) -> Any:
        answer = await anext(self._answers, END)
        if not self.initial:
            self._received(await self.call.initial_metadata(), ())
        if answer is END:
            self._received((), await self.call.trailing_metadata())
        return answer

    def _received(self, initial: Any, trailing: Any) -> None:
        self.initial = tuple(initial) or self.initial
        self.trailing = tuple(trailing) or self.trailing
        self.attachments.update(to_attachments((*initial, *trailing)))
        self.attachments.pop(RICH_STATUS, None)

    async def connected(self) -> None:
        """Wait until gRPC has a connection for it."""
        await self._guarded(self.call.wait_for_connection)

    # The end

    def cancel(self) -> None:
        self._given_up = True
        self.call.cancel()

    def abandon(self) -> None:
        """Nobody reads it any more, on whatever thread that shows."""
        loop = self.ended.get_loop()
        if not self.ended.done() and not loop.is_closed():
            loop.call_soon_threadsafe(self.cancel)

    def _expire(self) -> None:
        self._failure = late(self._invocation, self._started)
        self.call.cancel()

    def drop(self) -> None:
        """The client closes, and its grace is over."""
        self._failure = self._failure or Unavailable(f"{self._invocation}: the client closed")
        self.call.cancel()

    def _end(self, _: Any) -> None:
        self._under_way.discard(self)
        if not self.ended.done():
            self.ended.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        if self._feeding is not None and asyncio.current_task() is not self._feeding:
            self._feeding.cancel()

    async def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            return await work()
        except grpc.aio.AioRpcError as error:
            self._received(error.initial_metadata(), error.trailing_metadata())
            failure = read_error(
                error,
                self._invocation,
                self._started,
                self._transport.tls,
                connected=self._channel.get_state() is grpc.ChannelConnectivity.READY,
            )
            self._transport.failed(failure)
            raise failure from None
        except asyncio.CancelledError:
            if of_this_task() or self._given_up:
                self.cancel()
                raise
        # Who awaits a call is cancelled with it, be it by its channel's end.
        raise self._failure or Unavailable(f"{self._invocation}: its connection was closed")

    # Requests

    async def _feed(self, requests: AsyncIterator[Any]) -> None:
        try:
            # Nothing is taken before it can be sent: another attempt finds all of them.
            await self.call.wait_for_connection()
            await self._feed_on(requests)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # it has ended, and who awaits it learns how
        except BaseException as error:
            if not self.call.done():  # as when what it waits for was cancelled
                self._failure = error if isinstance(error, RpcError) else self._no_request(error)
                self.call.cancel()
            if isinstance(error, NOT_OF_THE_STREAM):
                raise  # SystemExit, say, must end neither the process nor its thread

    async def _feed_on(self, requests: AsyncIterator[Any]) -> None:
        try:
            async for request in requests:
                await self.call.write(self._serialize(request))
            await self.call.done_writing()
        finally:
            close = getattr(requests, "aclose", None)
            if close is not None:
                await close()

    def _no_request(self, error: BaseException) -> RpcError:
        failure = RpcError(
            f"{self._invocation}: the iterator of its requests raised {type(error).__name__}: "
            f"{error}",
            status=Status.UNKNOWN,
        )
        failure.__cause__ = error
        return failure

    def _serialize(self, request: Any) -> Any:
        if self._rpc.serialize is None:
            return request
        try:
            return self._rpc.serialize(request)
        except RpcError:
            raise
        except Exception as error:
            raise InvalidArgument(
                f"{self._invocation}: a {type(request).__name__} can't be sent: {error}",
                sent=Sent.MAYBE_EXECUTED if self._rpc.streamed else Sent.NOT_SENT,
            ) from error

    def _deserialize(self, answer: Any) -> Any:
        if self._rpc.deserialize is None:
            return answer
        try:
            return self._rpc.deserialize(answer)
        except RpcError:
            self.cancel()
            raise
        except Exception as error:
            self.cancel()
            raise RpcError(
                f"what {self._invocation} answered can't be read: {error}",
                code=Code.SERIALIZATION,
                status=Status.INTERNAL,
            ) from error


class Answers:
    """The answers of one call, as an asynchronous iterator. The call is cancelled when this is
    closed, or let go of."""

    __slots__ = ("call",)

    def __init__(self, call: NativeCall) -> None:
        self.call = call

    def __aiter__(self) -> "Answers":
        return self

    async def __anext__(self) -> Any:
        answer = await self.call.read()
        if answer is END:
            raise StopAsyncIteration
        return answer

    async def aclose(self) -> None:
        self.call.cancel()

    def __del__(self) -> None:
        self.call.abandon()
