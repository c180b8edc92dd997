"""What if many connections share the work? 100 of them with 32 calls in flight on each."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import BYTES, PATIENT, TEXT, at, bare_call, facade_call
from benchmarks.load import Use, repeat

IN_FLIGHT = 32
# Else channels of grpcio to one address share a connection.
OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)


def lines(bench: Bench) -> Iterator[Line]:
    connections = bench.effort.count(100, 2)
    yield bench.compare("ratio conns 100", "facade-conns", "bare-conns", connections)


def call_facade(port: int, use: Use) -> None:
    _measure(
        lambda: facade_call(facade.AsyncClient(at(port), connections=1), timeout=PATIENT), TEXT, use
    )


def call_bare(port: int, use: Use) -> None:
    def connect() -> Any:
        return bare_call(grpc.aio.insecure_channel(at(port), options=[OWN_CONNECTION]), PATIENT)

    _measure(connect, BYTES, use)


def _measure(connect: Any, value: object, use: Use) -> None:
    with asyncio.Runner() as runner:
        echoes: list[Any] = []

        async def measure(connections: float, seconds: float) -> float:
            while len(echoes) < connections:
                echoes.append(connect())
                await echoes[-1](value)
            start = time.perf_counter()
            until = start + seconds
            tasks = (
                repeat(lambda echo=echo: echo(value), value, until)  # type: ignore[misc]
                for echo in echoes
                for _ in range(IN_FLIGHT)
            )
            counts = await asyncio.gather(*tasks)
            return sum(counts) / (time.perf_counter() - start)

        use(lambda connections, seconds: runner.run(measure(connections, seconds)))
