"""The two sides of each comparison: ours, and bare grpcio with the same work to do.

Every call echoes 64 bytes with two attachments (metadata) and a deadline of 1 s. Bare
grpcio gets every advantage: it sends plain bytes, without a serializer.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import grpc.aio

import facade
from benchmarks.full import full_settings, prepare

TEXT = "x" * 64
BYTES = TEXT.encode()
ATTACHMENTS = {"trace-id": "4bf92f3577b34da6a3ce929d0e0e4736", "tenant": "benchmark"}
METADATA = tuple(ATTACHMENTS.items())
DEADLINE = 1.0
BARE = "/bench.Echo/Echo"


@facade.service("bench.Echo")
class Echo:
    async def echo(self, text: str) -> str: ...


class EchoImpl(Echo):
    async def echo(self, text: str) -> str:
        return text


class Noop(facade.Filter):
    """What any filter costs at least."""

    async def invoke(self, invoker: facade.Invoker, invocation: facade.Invocation) -> facade.Result:
        return await invoker.invoke(invocation)


# Providers: each listens, says at which port, and serves until it is ended.


def serve_facade(ready: Callable[[int], None]) -> None:
    _serve_facade(ready, {})


def serve_full(ready: Callable[[int], None], share: float = 1.0) -> None:
    prepare(share)
    _serve_facade(ready, full_settings())


def _serve_facade(ready: Callable[[int], None], settings: dict[str, Any]) -> None:
    async def serve() -> None:
        server = facade.Server(filter_settings=settings)
        server.export(Echo, EchoImpl())
        async with server:
            ready(server.port)
            await server.wait()

    asyncio.run(serve())


def serve_bare_aio(ready: Callable[[int], None]) -> None:
    async def echo(request: bytes, context: Any) -> bytes:
        return request

    async def serve() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_bare_handler(echo),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        ready(port)
        await server.wait_for_termination()

    asyncio.run(serve())


def serve_bare_sync(ready: Callable[[int], None]) -> None:
    def echo(request: bytes, context: Any) -> bytes:
        return request

    server = grpc.server(ThreadPoolExecutor(64))
    server.add_generic_rpc_handlers((_bare_handler(echo),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready(port)
    server.wait_for_termination()


def _bare_handler(echo: Any) -> Any:
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    return grpc.method_handlers_generic_handler("bench.Echo", handlers)


# Consumers: each gives a function (calls in flight, seconds) -> calls per second.

Measure = Callable[[int, float], float]


def call_facade_aio(port: int, use: Callable[[Measure], None]) -> None:
    _call_facade_aio(port, use)


def call_noop(port: int, use: Callable[[Measure], None]) -> None:
    _call_facade_aio(port, use, filters=["default", Noop()])


def call_full(port: int, use: Callable[[Measure], None], share: float = 1.0) -> None:
    prepare(share)
    _call_facade_aio(port, use, filter_settings=full_settings())


def _call_facade_aio(port: int, use: Callable[[Measure], None], **settings: Any) -> None:
    async def connect() -> Any:
        client = facade.AsyncClient(f"127.0.0.1:{port}", **settings)
        echo = client.refer(Echo).echo.options(timeout=DEADLINE, attachments=ATTACHMENTS)  # type: ignore[attr-defined]
        return lambda: echo(TEXT)

    _measure_aio(connect, TEXT, use)


def call_bare_aio(port: int, use: Callable[[Measure], None]) -> None:
    async def connect() -> Any:
        echo = grpc.aio.insecure_channel(f"127.0.0.1:{port}").unary_unary(BARE)
        return lambda: echo(BYTES, timeout=DEADLINE, metadata=METADATA)

    _measure_aio(connect, BYTES, use)


def _measure_aio(connect: Any, expected: object, use: Callable[[Measure], None]) -> None:
    with asyncio.Runner() as runner:
        call = runner.run(connect())

        async def one(until: float) -> int:
            count = 0
            while time.perf_counter() < until:
                if await call() != expected:
                    raise AssertionError("a wrong answer")
                count += 1
            return count

        async def measure(in_flight: int, seconds: float) -> float:
            start = time.perf_counter()
            counts = await asyncio.gather(*(one(start + seconds) for _ in range(in_flight)))
            return sum(counts) / (time.perf_counter() - start)

        use(lambda in_flight, seconds: runner.run(measure(in_flight, seconds)))


def call_facade_sync(port: int, use: Callable[[Measure], None]) -> None:
    client = facade.Client(f"127.0.0.1:{port}")
    echo = client.refer(Echo).echo.options(timeout=DEADLINE, attachments=ATTACHMENTS)  # type: ignore[attr-defined]
    _measure_threads(lambda: echo(TEXT), TEXT, use)


def call_bare_sync(port: int, use: Callable[[Measure], None]) -> None:
    echo = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary(BARE)
    _measure_threads(lambda: echo(BYTES, timeout=DEADLINE, metadata=METADATA), BYTES, use)


def _measure_threads(
    call: Callable[[], object], expected: object, use: Callable[[Measure], None]
) -> None:
    def one(until: float, counts: list[int]) -> None:
        count = 0
        while time.perf_counter() < until:
            if call() != expected:
                raise AssertionError("a wrong answer")
            count += 1
        counts.append(count)

    def measure(in_flight: int, seconds: float) -> float:
        counts: list[int] = []
        start = time.perf_counter()
        threads = [
            threading.Thread(target=one, args=(start + seconds, counts)) for _ in range(in_flight)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(counts) != in_flight:
            raise AssertionError("a call failed")
        return sum(counts) / (time.perf_counter() - start)

    use(measure)


Serve = Callable[[Callable[[int], None]], None]
Call = Callable[[int, Callable[[Measure], None]], None]

PROVIDERS: dict[str, Serve] = {
    "facade": serve_facade,
    "facade-full": serve_full,
    "full-sampled": partial(serve_full, share=0.01),
    "bare-aio": serve_bare_aio,
    "bare-sync": serve_bare_sync,
}
# Name of the consumer: which provider it calls, and how.
CONSUMERS: dict[str, tuple[str, Call]] = {
    "facade-aio": ("facade", call_facade_aio),
    "facade-noop": ("facade", call_noop),
    "facade-full": ("facade-full", call_full),
    "full-sampled": ("full-sampled", partial(call_full, share=0.01)),
    "bare-aio": ("bare-aio", call_bare_aio),
    "facade-sync": ("facade", call_facade_sync),
    "bare-sync": ("bare-sync", call_bare_sync),
}
