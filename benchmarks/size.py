"""What remains of it as messages grow? 64 in flight, beside bare grpc.aio."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import LARGEST, PATIENT, at, bare_call, bare_options, facade_call
from benchmarks.load import Use, repeat

SIZES = {"1k": 1 << 10, "16k": 16 << 10, "64k": 64 << 10, "1m": 1 << 20}
IN_FLIGHT = 64


def lines(bench: Bench) -> Iterator[Line]:
    for name, size in SIZES.items():
        yield bench.compare(f"ratio size {name}", "facade-size", "bare-size", size)


def call_facade(port: int, use: Use) -> None:
    async def connect() -> Any:
        client = facade.AsyncClient(at(port), max_message_size=LARGEST)
        return facade_call(client, "raw", PATIENT)

    _measure(connect, use)


def call_bare(port: int, use: Use) -> None:
    async def connect() -> Any:
        return bare_call(grpc.aio.insecure_channel(at(port), options=bare_options()), PATIENT)

    _measure(connect, use)


def _measure(connect: Any, use: Use) -> None:
    with asyncio.Runner() as runner:
        echo = runner.run(connect())

        async def measure(size: float, seconds: float) -> float:
            data = bytes(int(size))
            start = time.perf_counter()
            until = start + seconds
            tasks = (repeat(lambda: echo(data), data, until) for _ in range(IN_FLIGHT))
            counts = await asyncio.gather(*tasks)
            return sum(counts) / (time.perf_counter() - start)

        use(lambda size, seconds: runner.run(measure(size, seconds)))
