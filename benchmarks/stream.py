"""How many values per second does a typed server stream bring, beside bare grpc.aio?"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import BARE_STREAM, BYTES, TEXT, Echo, at
from benchmarks.load import Use


def lines(bench: Bench) -> Iterator[Line]:
    yield bench.compare("ratio stream", "facade-stream", "bare-stream", unit="items/s")


def call_facade(port: int, use: Use) -> None:
    async def connect() -> Any:
        stream = facade.AsyncClient(at(port), timeout=60.0).refer(Echo).stream
        return lambda items: stream(items)

    _measure(connect, TEXT, use)


def call_bare(port: int, use: Use) -> None:
    async def connect() -> Any:
        stream = grpc.aio.insecure_channel(at(port)).unary_stream(BARE_STREAM)
        return lambda items: stream(b"%d" % items, timeout=60.0)

    _measure(connect, BYTES, use)


def _measure(connect: Any, expected: object, use: Use) -> None:
    with asyncio.Runner() as runner:
        open_stream = runner.run(connect())
        rate = 5_000.0

        async def measure(seconds: float) -> float:
            """One stream of so many values as take about that long."""
            nonlocal rate
            wanted = max(100, int(rate * seconds))
            start, count = time.perf_counter(), 0
            async for item in open_stream(wanted):
                if item != expected:
                    raise AssertionError("a wrong value")
                count += 1
            if count != wanted:
                raise AssertionError(f"{count} of {wanted} values came")
            rate = count / (time.perf_counter() - start)
            return rate

        use(lambda seconds: runner.run(measure(seconds)))
