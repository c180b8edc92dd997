"""How many calls per second, beside bare grpcio: asyncio, threads, futures?"""

from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import (
    BARE,
    BYTES,
    DEADLINE,
    METADATA,
    PATIENT,
    TEXT,
    at,
    bare_call,
    facade_call,
)
from benchmarks.load import Use, measure_futures, measure_tasks, measure_threads


def lines_aio(bench: Bench) -> Iterator[Line]:
    for in_flight in (1, 16, 256):
        yield bench.compare(f"ratio aio {in_flight}", "facade-aio", "bare-aio", in_flight)
    # Bare gRPC needs more than a second for so many: both get a longer deadline.
    yield bench.compare("ratio aio 4096", "facade-crowd", "bare-crowd", 4096, longer=3)


def lines_sync(bench: Bench) -> Iterator[Line]:
    for in_flight in (1, 64):
        yield bench.compare(f"ratio sync {in_flight}", "facade-sync", "bare-sync", in_flight)
    yield bench.compare("ratio sync pool 64", "facade-pool", "bare-sync", 64)


def lines_future(bench: Bench) -> Iterator[Line]:
    yield bench.compare("ratio future 256", "facade-future", "bare-future", 256)


# The sides


def call_facade_aio(port: int, use: Use, timeout: float = DEADLINE, **settings: Any) -> None:
    async def connect() -> Any:
        echo = facade_call(facade.AsyncClient(at(port), **settings), timeout=timeout)
        return lambda: echo(TEXT)

    measure_tasks(connect, TEXT, use)


def call_bare_aio(port: int, use: Use, timeout: float = DEADLINE) -> None:
    async def connect() -> Any:
        echo = bare_call(grpc.aio.insecure_channel(at(port)), timeout)
        return lambda: echo(BYTES)

    measure_tasks(connect, BYTES, use)


def call_facade_crowd(port: int, use: Use) -> None:
    call_facade_aio(port, use, PATIENT)


def call_bare_crowd(port: int, use: Use) -> None:
    call_bare_aio(port, use, PATIENT)


def call_facade_sync(port: int, use: Use, name: str = "echo") -> None:
    echo = facade_call(facade.Client(at(port)), name)
    measure_threads(lambda: lambda: echo(TEXT), TEXT, use)


def call_facade_pool(port: int, use: Use) -> None:
    call_facade_sync(port, use, "pooled")


def call_bare_sync(port: int, use: Use) -> None:
    echo = bare_call(grpc.insecure_channel(at(port)))
    measure_threads(lambda: lambda: echo(BYTES), BYTES, use)


def call_facade_future(port: int, use: Use) -> None:
    echo = facade_call(facade.Client(at(port)))
    measure_futures(lambda: echo.future(TEXT), TEXT, use)


def call_bare_future(port: int, use: Use) -> None:
    start = grpc.insecure_channel(at(port)).unary_unary(BARE).future
    measure_futures(lambda: start(BYTES, timeout=DEADLINE, metadata=METADATA), BYTES, use)
