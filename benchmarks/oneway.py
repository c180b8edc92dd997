"""How many oneway calls per second arrive, beside our own calls with an answer?

They are counted at the provider: a round ends when it has told that all of them are there. The
consumer asks all the time how many have come, and is never further ahead than ``AHEAD``.
"""

import asyncio
import time
from collections.abc import Iterator

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import PATIENT, TEXT, Echo, at, facade_call
from benchmarks.load import Use

AHEAD = 4096


def lines(bench: Bench) -> Iterator[Line]:
    # 256 are in flight of those with an answer. Of the others, as many go between two looks at
    # what else there is to do.
    yield bench.compare("ratio oneway", "facade-oneway", "facade-aio", 256)


def call_facade(port: int, use: Use) -> None:
    async def connect() -> tuple[facade.AsyncClient, Echo]:
        client = facade.AsyncClient(at(port), timeout=PATIENT)
        return client, client.refer(Echo)

    with asyncio.Runner() as runner:
        client, echo = runner.run(connect())
        note = facade_call(client, "note").oneway

        async def measure(burst: float, seconds: float) -> float:
            known = before = await echo.noted()
            start, sent = time.perf_counter(), 0
            asked = asyncio.ensure_future(echo.noted())
            while time.perf_counter() < start + seconds:
                if asked.done():
                    known = asked.result()
                    asked = asyncio.ensure_future(echo.noted())
                if sent - (known - before) < AHEAD:
                    for _ in range(int(burst)):
                        await note(TEXT)
                    sent += int(burst)
                await asyncio.sleep(0)
            await asked
            while known - before < sent:
                known = await echo.noted()
            return sent / (time.perf_counter() - start)

        use(lambda burst, seconds: runner.run(measure(burst, seconds)))
