"""How long do small calls wait for a large one on the same connection? (head-of-line blocking)

The link carries 1 MB/s. While 20 MB go over it, up in one round and down in the next, small calls
are made every 50 ms, whether or not others have been answered. ``hol`` is the worse p99 of the
two ways, in ms. Beside it: bare grpc.aio, where small and large are streams of their own.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import BYTES, LARGEST, TEXT, Echo, EchoImpl, Ready, at, bare_options
from benchmarks.latency import p99
from benchmarks.load import Use
from benchmarks.throttle import Link

RATE = 1_000_000
ROUND_TRIP = 0.040
SIZE = 20_000_000
EVERY = 0.050
# Seconds: what is slow is to be seen, and not cut off.
PATIENCE = 120.0
BOUND = 3 * ROUND_TRIP * 1000 + 150
UP, DOWN = 0, 1


def lines(bench: Bench) -> Iterator[Line]:
    sides = [bench.consumer("facade-link"), bench.consumer("bare-link")]
    size = bench.effort.count(SIZE)
    rounds: list[list[float]] = [[], []]
    for way in (UP, DOWN):
        # Both at once: each has a link of its own, and they leave the cores idle.
        for side in sides:
            side.tell(f"{way} {size}")
        for side, measured in zip(sides, rounds, strict=True):
            measured.append(float(side.hear()))
    for name, measured in zip(("hol", "hol bare"), rounds, strict=True):
        yield Line(name, max(measured), min(measured), max(measured), len(measured), "ms")
    yield Line("hol bound", BOUND, BOUND, BOUND, 1, "ms")


def serve_facade(ready: Ready) -> None:
    async def serve() -> None:
        server = facade.Server(max_message_size=LARGEST)
        server.export(Echo, EchoImpl())
        async with server:
            await _link(server.port, ready)
            await server.wait()

    asyncio.run(serve())


def serve_bare(ready: Ready) -> None:
    async def echo(request: bytes, context: Any) -> bytes:
        return request

    async def take(request: bytes, context: Any) -> bytes:
        return b"%d" % len(request)

    async def give(request: bytes, context: Any) -> bytes:
        return bytes(int(request))

    async def serve() -> None:
        methods = {"Echo": echo, "Take": take, "Give": give}
        handlers = {name: grpc.unary_unary_rpc_method_handler(m) for name, m in methods.items()}
        server = grpc.aio.server(options=bare_options())
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("bench.Echo", handlers),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        await _link(port, ready)
        await server.wait_for_termination()

    asyncio.run(serve())


_links: list[Link] = []  # which the event loop would let be collected


async def _link(port: int, ready: Ready) -> None:
    link = Link(port, RATE, ROUND_TRIP)
    await link.start()
    _links.append(link)
    ready(link.port)


def call_facade(port: int, use: Use) -> None:
    async def connect() -> Any:
        client = facade.AsyncClient(at(port), max_message_size=LARGEST, timeout=PATIENCE)
        echo = client.refer(Echo)

        async def transfer(way: int, size: int) -> None:
            if way == UP:
                await echo.take(bytes(size))
            else:
                await echo.give(size)

        return lambda: echo.echo(TEXT), transfer

    _measure(connect, TEXT, use)


def call_bare(port: int, use: Use) -> None:
    async def connect() -> Any:
        channel = grpc.aio.insecure_channel(at(port), options=bare_options())
        echo, take, give = (
            channel.unary_unary(f"/bench.Echo/{name}") for name in ("Echo", "Take", "Give")
        )

        async def transfer(way: int, size: int) -> None:
            if way == UP:
                await take(bytes(size), timeout=PATIENCE)
            else:
                await give(b"%d" % size, timeout=PATIENCE)

        return lambda: echo(BYTES, timeout=PATIENCE), transfer

    _measure(connect, BYTES, use)


def _measure(connect: Any, value: object, use: Use) -> None:
    with asyncio.Runner() as runner:
        echo, transfer = runner.run(connect())

        async def measure(way: float, size: float) -> float:
            if await echo() != value:
                raise AssertionError("a wrong answer")
            taken: list[float] = []

            async def call() -> None:
                start = time.perf_counter()
                await echo()
                taken.append(time.perf_counter() - start)

            calls = []
            large = asyncio.ensure_future(transfer(int(way), int(size)))
            while not large.done():
                await asyncio.sleep(EVERY)
                calls.append(asyncio.ensure_future(call()))
            await asyncio.gather(large, *calls)
            return p99(taken)

        use(lambda way, size: runner.run(measure(way, size)))
