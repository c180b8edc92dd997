"""What is called: 64 bytes there and back, with two attachments (metadata) and a deadline of 1 s.

Bare grpcio gets every advantage: it sends plain bytes, without a serializer.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio

import facade

TEXT = "x" * 64
BYTES = TEXT.encode()
ATTACHMENTS = {"trace-id": "4bf92f3577b34da6a3ce929d0e0e4736", "tenant": "benchmark"}
METADATA = tuple(ATTACHMENTS.items())
DEADLINE = float(os.environ.get("BENCHMARKS_DEADLINE", "1.0"))  # seconds
# Where bare grpcio would need more than that: for thousands of calls at once, or for megabytes.
PATIENT = 30.0
BARE = "/bench.Echo/Echo"
BARE_STREAM = "/bench.Echo/Stream"
# Largest message that either side takes.
LARGEST = 64 * 1024 * 1024

Ready = Callable[[int], None]


@facade.service("bench.Echo")
class Echo:
    async def echo(self, text: str) -> str: ...

    async def pooled(self, text: str) -> str:
        """The same by a method that is not async."""

    async def raw(self, data: bytes) -> bytes: ...

    async def take(self, data: bytes) -> int: ...

    async def give(self, size: int) -> bytes: ...

    async def note(self, text: str) -> None:
        """To be called oneway."""

    async def noted(self) -> int:
        """How many notes came so far."""

    async def stream(self, items: int) -> AsyncIterator[str]: ...


class EchoImpl(Echo):
    def __init__(self) -> None:
        self._noted = 0

    async def echo(self, text: str) -> str:
        return text

    def pooled(self, text: str) -> str:  # type: ignore[override]
        return text

    async def raw(self, data: bytes) -> bytes:
        return data

    async def take(self, data: bytes) -> int:
        return len(data)

    async def give(self, size: int) -> bytes:
        return bytes(size)

    async def note(self, text: str) -> None:
        self._noted += 1

    async def noted(self) -> int:
        return self._noted

    async def stream(self, items: int) -> AsyncIterator[str]:  # type: ignore[override,misc]
        for _ in range(items):
            yield TEXT


# Each listens, says at which port, and serves until it is ended.


def serve_facade(ready: Ready, **settings: Any) -> None:
    async def serve() -> None:
        server = facade.Server(max_message_size=LARGEST, **settings)
        server.export(Echo, EchoImpl())
        async with server:
            ready(server.port)
            await server.wait()

    asyncio.run(serve())


def serve_bare_aio(ready: Ready) -> None:
    async def echo(request: bytes, context: Any) -> bytes:
        return request

    async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
        for _ in range(int(request)):
            yield BYTES

    async def serve() -> None:
        server = grpc.aio.server(options=bare_options())
        server.add_generic_rpc_handlers((bare_handler(echo, stream),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        ready(port)
        await server.wait_for_termination()

    asyncio.run(serve())


def serve_bare_sync(ready: Ready) -> None:
    def echo(request: bytes, context: Any) -> bytes:
        return request

    server = grpc.server(ThreadPoolExecutor(64))
    server.add_generic_rpc_handlers((bare_handler(echo),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready(port)
    server.wait_for_termination()


def bare_handler(echo: Any, stream: Any = None) -> Any:
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    if stream is not None:
        handlers["Stream"] = grpc.unary_stream_rpc_method_handler(stream)
    return grpc.method_handlers_generic_handler("bench.Echo", handlers)


def bare_options() -> list[tuple[str, int]]:
    return [
        # Else grpcio's server ends calls when some thousand come at once: with CANCELLED.
        ("grpc.server.max_pending_requests", 100_000),
        ("grpc.server.max_pending_requests_hard_limit", 100_000),
        ("grpc.max_send_message_length", LARGEST),
        ("grpc.max_receive_message_length", LARGEST),
    ]


# And how it is called.


def at(port: int) -> str:
    return f"127.0.0.1:{port}"


def facade_call(client: Any, name: str = "echo", timeout: float = DEADLINE) -> Any:
    """The bound method with what every call has."""
    method = getattr(client.refer(Echo), name)
    return method.options(timeout=timeout, attachments=ATTACHMENTS)


def bare_call(channel: Any, timeout: float = DEADLINE) -> Callable[[bytes], Any]:
    echo = channel.unary_unary(BARE)
    return lambda data: echo(data, timeout=timeout, metadata=METADATA)
