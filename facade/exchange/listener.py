"""The provider's door to gRPC: what listens, and hands on what comes in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

import grpc
import grpc.aio

from facade.core.errors import RpcError, Status, Unavailable
from facade.exchange import fork, unixsocket
from facade.exchange.answering import Peer
from facade.exchange.credentials import from_metadata
from facade.exchange.guard import Guarded
from facade.exchange.options import Options, common_options
from facade.exchange.security import identity_of
from facade.exchange.settings import Settings
from facade.exchange.stream import FrameStream
from facade.exchange.transport import SERVICE


def server_options(settings: Settings, *, reuse_port: bool) -> Options:
    streams = settings.limits.max_streams
    return (
        *common_options(settings),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.http2.max_ping_strikes", 0),
        # A burst of unary calls waits for us to take it. Beyond these gRPC would cancel calls,
        # at random, without a word why. How many may run is for filters to say.
        ("grpc.server.max_pending_requests", 1_000_000),
        ("grpc.server.max_pending_requests_hard_limit", 1_000_000),
        # Two servers on one port would share its callers silently.
        ("grpc.so_reuseport", int(reuse_port)),
        *((("grpc.max_concurrent_streams", streams),) if streams else ()),
    )


# Seconds for consumers in the same loop, which ends, to hang up: gRPC tells those that it cuts off
# so on standard error.
LINGER = 0.5

# Given a peer without a stream and what he shows: who he is. Raises RpcError.
Admission = Callable[[Peer, Mapping[str, bytes]], Awaitable[Any]]


class ServerStream:
    """The provider's end of an Exchange call."""

    end = grpc.aio.EOF

    def __init__(self, context: Any, local_address: str) -> None:
        self.error: RpcError | None = None
        self.remote_address = peer_of(context, local_address)
        self.local_address = local_address
        self.identity: Any = identity_of(context.auth_context())
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
        invoke: Callable[..., Awaitable[bytes]],
        describe: Callable[[bytes], Awaitable[bytes]],
        settings: Settings,
        handlers: Sequence[grpc.GenericRpcHandler] = (),
        *,
        reuse_port: bool = False,
        admit: Admission | None = None,
    ) -> None:
        """``handlers`` are asked in turn for what is none of ours. ``admit`` gives who somebody
        is who calls without a stream, or raises RpcError: then nothing is done for him."""
        fork.claim()
        self._guard: asyncio.Task[None] | None = None
        self._exchange = exchange
        self._invoke = invoke
        self._describe = describe
        self._settings = settings
        self._admit = admit
        self.address = ""
        self._stopped = asyncio.Event()
        options = server_options(settings, reuse_port=reuse_port)
        self._server = grpc.aio.server(options=list(options))
        own = {
            "Exchange": grpc.stream_stream_rpc_method_handler(self._serve_stream),
            "Invoke": grpc.unary_unary_rpc_method_handler(self._serve_call),
            "Describe": grpc.unary_unary_rpc_method_handler(self._serve_describe),
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, own), *self._guarded(handlers))
        )

    def _guarded(
        self, handlers: Sequence[grpc.GenericRpcHandler]
    ) -> Sequence[grpc.GenericRpcHandler]:
        return handlers if self._admit is None else (Guarded(handlers, self._let_in),)

    async def start(self, address: str) -> int:
        """Listen; the port. OSError, which names the address, where that can't be done."""
        unix = unixsocket.is_unix(address)
        unixsocket.check_free(address)
        try:
            with unixsocket.made_with(address, self._settings.socket_mode):
                port = self._add_port(address)
        except RuntimeError as error:
            raise _cannot_listen(address, error) from None
        if port == 0 and not unix:
            raise _cannot_listen(address, None)
        await self._server.start()
        self._guard = asyncio.create_task(
            self._stop_with_loop(), name="facade-listener", context=Context()
        )
        if unix:
            port = 0  # gRPC says 1
        # The port that it really is, where any would do.
        self.address = f"{address.rpartition(':')[0]}:{port}" if port else address
        return int(port)

    def _add_port(self, address: str) -> int:
        tls = self._settings.tls
        if tls is not None:
            return int(self._server.add_secure_port(address, tls.credentials()))
        return int(self._server.add_insecure_port(address))

    async def stop(self, grace: float | None) -> None:
        """Take nothing new at once, and end what is left after ``grace`` seconds."""
        try:
            await self._server.stop(grace)
        finally:
            self._stopped.set()
            if self._guard is not None:
                await self._guard

    async def _stop_with_loop(self) -> None:
        """For one that nobody stops. gRPC's own wants to stop in its loop when it goes; where that
        is closed it complains, and then waits for ever for its thread.

        Its task that serves was cancelled as well: the first stop ends with that, half done.
        """
        try:
            await self._stopped.wait()
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await self._server.stop(LINGER)
            await self._server.stop(LINGER)
            raise

    async def _serve_stream(self, _: Any, context: Any) -> None:
        stream = ServerStream(context, self.address)
        await self._exchange(stream)
        error = stream.error
        if error is not None:
            await context.abort(grpc_status(error.status), error.message)

    async def _let_in(self, context: Any) -> Any:
        """Who calls, without a stream."""
        tls = self._settings.tls
        identity = identity_of(context.auth_context()) if tls is not None else None
        if self._admit is None:
            return identity
        peer = Peer(peer_of(context, self.address), self.address, identity)
        try:
            return await self._admit(peer, from_metadata(context.invocation_metadata()))
        except RpcError as error:
            await context.abort(grpc_status(error.status), error.message)
            raise

    async def _serve_call(self, request: bytes, context: Any) -> bytes:
        identity = await self._let_in(context)
        try:
            return await self._invoke(
                request,
                peer_of(context, self.address),
                context.time_remaining(),
                identity,
            )
        except RpcError as error:
            await context.abort(grpc_status(error.status), error.message)
            raise

    async def _serve_describe(self, request: bytes, context: Any) -> bytes:
        await self._let_in(context)
        try:
            return await self._describe(request)
        except RpcError as error:
            await context.abort(grpc_status(error.status), error.message)
            raise


def _cannot_listen(address: str, error: Exception | None) -> OSError:
    reason = f": {error}" if error else ""
    return OSError(f"cannot listen at {address}: is the port in use, or not ours to take?{reason}")


def peer_of(context: Any, local_address: str) -> str:
    """The address of who calls. A unix socket's other end has none, so it is the socket's."""
    peer: str = context.peer()
    return local_address if peer == "unix:" else peer


def grpc_status(status: Status) -> grpc.StatusCode:
    return grpc.StatusCode[status.name]
