"""How long do the slowest calls in a hundred take, alone and under load, beside grpc.aio?"""

import asyncio
import random
import time
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import BYTES, TEXT, at, bare_call, facade_call
from benchmarks.load import Use

# A round has to have some hundred calls.
LONGER = 4


def lines(bench: Bench) -> Iterator[Line]:
    yield bench.compare("p99 1", "facade-latency", "bare-latency", unit="ms", longer=LONGER)
    (rates,) = bench.turns("bare-aio", arguments=[256], longer=LONGER)
    half = median(rates) / 2
    yield bench.compare("p99 load", "facade-load", "bare-load", half, unit="ms", longer=LONGER)


def call_facade(port: int, use: Use) -> None:
    _measure(lambda: facade_call(facade.AsyncClient(at(port))), TEXT, use)


def call_bare(port: int, use: Use) -> None:
    _measure(lambda: bare_call(grpc.aio.insecure_channel(at(port))), BYTES, use)


def _measure(connect: Any, value: object, use: Use) -> None:
    with asyncio.Runner() as runner:

        async def connected() -> Any:
            return connect()

        echo = runner.run(connected())

        async def alone(seconds: float) -> float:
            """p99 in ms, of calls one after the other."""
            taken: list[float] = []
            until = time.perf_counter() + seconds
            while (start := time.perf_counter()) < until or not taken:
                if await echo(value) != value:
                    raise AssertionError("a wrong answer")
                taken.append(time.perf_counter() - start)
            return p99(taken)

        use(lambda seconds: runner.run(alone(seconds)))


def load_facade(port: int, use: Use) -> None:
    _load(lambda: facade_call(facade.AsyncClient(at(port))), TEXT, use)


def load_bare(port: int, use: Use) -> None:
    _load(lambda: bare_call(grpc.aio.insecure_channel(at(port))), BYTES, use)


def _load(connect: Any, value: object, use: Use) -> None:
    """Calls come when they come, as those of many users do, whether or not others have been
    answered; a call's time runs from when it was due."""
    with asyncio.Runner() as runner:

        async def connected() -> Any:
            return connect()

        echo = runner.run(connected())

        async def measure(rate: float, seconds: float) -> float:
            taken: list[float] = []

            async def call(due: float) -> None:
                if await echo(value) != value:
                    raise AssertionError("a wrong answer")
                taken.append(time.perf_counter() - due)

            pauses = random.Random(1)
            tasks = set()
            due = time.perf_counter()
            until = due + seconds
            while due < until:
                while due <= time.perf_counter():
                    tasks.add(asyncio.ensure_future(call(due)))
                    due += pauses.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await asyncio.gather(*tasks)
            return p99(taken)

        use(lambda rate, seconds: runner.run(measure(rate, seconds)))


def p99(taken: list[float]) -> float:
    """In milliseconds, of seconds."""
    if len(taken) < 2:
        return taken[0] * 1000
    return quantiles(taken, n=100, method="inclusive")[98] * 1000
