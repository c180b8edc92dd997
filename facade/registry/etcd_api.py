"""The door to etcd: its gRPC calls, at one of its members after the other."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any

import grpc
import grpc.aio

from facade.core.cancellation import of_this_task
from facade.registry.access import Access
from facade.registry.etcd_messages import message

# Seconds that one call may take.
PATIENCE = 2.0

_OPTIONS = (
    # No memory of failures: we wait between attempts ourselves.
    ("grpc.use_local_subchannel_pool", 1),
    # A watch is silent for long. etcd allows a ping each 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", -1),
)


class EtcdError(ConnectionError):
    """etcd can't be reached, or refuses. ``forgotten``: it does not know this lease."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(f"{error.code().name}: {error.details()}")
        self.forgotten = error.code() is grpc.StatusCode.NOT_FOUND


class EtcdApi:
    """Calls one member of etcd until that fails, then the next. Belongs to an event loop."""

    def __init__(self, hosts: tuple[str, ...], access: Access | None = None) -> None:
        self._hosts = hosts
        self._at = 0
        self._access = access or Access()
        self._token = ""
        self._channel: grpc.aio.Channel | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def call(self, method: str, noun: str, **fields: Any) -> Any:
        """One call of ``Service/Method`` with ``{noun}Request``: its answer. Raises EtcdError."""
        channel = self._open()
        called = self._method(channel.unary_unary, method, noun)
        request = message(f"{noun}Request")(**fields)
        with self._errors(channel):
            return await called(request, timeout=PATIENCE, metadata=await self._metadata(channel))

    async def keep_alive(self, lease: int) -> int:
        """Prolong a lease: the seconds that it has from now on, 0 where it is over."""
        request = {"ID": lease}
        answers = self._stream("Lease/LeaseKeepAlive", "LeaseKeepAlive", request, PATIENCE)
        async with asyncio.timeout(PATIENCE), aclosing(answers):
            async for answer in answers:
                return int(answer.TTL)
        raise ConnectionError("the stream has ended")

    def watch(self, key: bytes, end: bytes, revision: int) -> AsyncGenerator[Any, None]:
        """The answers of a watch, until it fails: EtcdError."""
        wanted = {"key": key, "range_end": end, "start_revision": revision}
        return self._stream("Watch/Watch", "Watch", {"create_request": wanted})

    async def _stream(
        self, method: str, noun: str, fields: Mapping[str, Any], timeout: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """What is answered to one request, which stays open."""
        channel = self._open()
        called = self._method(channel.stream_stream, method, noun)
        with self._errors(channel):
            stream = called(timeout=timeout, metadata=await self._metadata(channel))
            try:
                # gRPC waits for ever where the connection is lost just as the call begins.
                async with asyncio.timeout(PATIENCE):
                    await stream.write(message(f"{noun}Request")(**fields))
                while (answer := await stream.read()) is not grpc.aio.EOF:
                    yield answer
            finally:
                stream.cancel()

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            host = self._hosts[self._at % len(self._hosts)]
            self._channel = self._connected(host)
        return self._channel

    def _connected(self, host: str) -> grpc.aio.Channel:
        tls = self._access.tls
        if tls is None:
            return grpc.aio.insecure_channel(host, options=_OPTIONS)
        return grpc.aio.secure_channel(host, tls.credentials(), options=(*_OPTIONS, *tls.options))

    def _method(self, kind: Any, method: str, noun: str) -> Any:
        return kind(
            f"/etcdserverpb.{method}",
            request_serializer=message(f"{noun}Request").SerializeToString,
            response_deserializer=message(f"{noun}Response").FromString,
        )

    async def _metadata(self, channel: grpc.aio.Channel) -> tuple[tuple[str, str], ...]:
        name, password = self._access.user, self._access.password
        if not name:
            return ()
        if not self._token:
            called = self._method(channel.unary_unary, "Auth/Authenticate", "Authenticate")
            request = message("AuthenticateRequest")(name=name, password=password)
            self._token = (await called(request, timeout=PATIENCE)).token
        return (("token", self._token),)

    @contextmanager
    def _errors(self, channel: grpc.aio.Channel) -> Iterator[None]:
        """gRPC's errors as ours."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise self._failed(channel, error) from None
        except asyncio.InvalidStateError:
            raise ConnectionError("the stream ended before it was written to") from None
        except asyncio.CancelledError:
            # So end calls whose channel was closed, when another call on it had failed.
            if of_this_task() or self._channel is channel:
                raise
            raise ConnectionError("the connection was given up") from None

    def _failed(self, channel: grpc.aio.Channel, error: grpc.aio.AioRpcError) -> EtcdError:
        """The next call goes to the next member, over a new connection."""
        if self._channel is channel and error.code() is not grpc.StatusCode.NOT_FOUND:
            self._channel = None
            self._token = ""
            self._at += 1
            closing = asyncio.create_task(_close(channel), name="facade-etcd-close")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return EtcdError(error)


async def _close(channel: grpc.aio.Channel) -> None:
    with suppress(Exception):
        await channel.close()
