"""Do two workers of ``facade serve`` do more than one?

The method keeps a core busy. Nothing is pinned: workers and load generator share the machine.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

import facade
from benchmarks.bench import Bench, Line, note
from benchmarks.echo import Ready, at
from benchmarks.load import Use, repeat

# The kernel spreads connections over the workers, as it likes: enough that each gets some.
CONNECTIONS = 16
IN_FLIGHT = 4
WORK = 20_000  # squares: a millisecond or two


@facade.service("bench.Burner")
class Burner:
    async def burn(self) -> int: ...


class BurnerImpl(Burner):
    async def burn(self) -> int:
        return sum(i * i for i in range(WORK))


def lines(bench: Bench) -> Iterator[Line]:
    if find_spec("typer") is None:
        note("scale workers 2: skipped, as facade serve needs the extra cli")
        return
    yield bench.compare("scale workers 2", "workers-2", "workers-1", longer=2)


def serve_one(ready: Ready) -> None:
    _serve(ready, 1)


def serve_two(ready: Ready) -> None:
    _serve(ready, 2)


def _serve(ready: Ready, workers: int) -> None:
    _unpin()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ready(port)
    # Who started us expects nothing but the port.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    serve = ["-m", "facade", "serve", "benchmarks.workers:BurnerImpl"]
    options = ["--address", at(port), "--workers", str(workers)]
    os.execv(sys.executable, [sys.executable, *serve, *options])


def _unpin() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def call(port: int, use: Use) -> None:
    _unpin()
    with asyncio.Runner() as runner:
        burners: list[Burner] = []

        async def measure(seconds: float) -> float:
            while len(burners) < CONNECTIONS:
                client = facade.AsyncClient(at(port), connections=1, timeout=30.0)
                burners.append(client.refer(Burner))
                await burners[-1].burn()
            expected = sum(i * i for i in range(WORK))
            start = time.perf_counter()
            until = start + seconds
            tasks = (
                repeat(burner.burn, expected, until) for burner in burners for _ in range(IN_FLIGHT)
            )
            counts = await asyncio.gather(*tasks)
            return sum(counts) / (time.perf_counter() - start)

        use(lambda seconds: runner.run(measure(seconds)))
