"""How calls of ours differ in their time, measured once: `python -m benchmarks.simulate.measure`.

It writes times.json. Measured is the processor's time of both ends, so that it does not matter what
else the machine does.
"""

import asyncio
import json
import time
from collections import Counter
from math import floor, log

import facade
from benchmarks.echo import TEXT, Echo, EchoImpl
from benchmarks.simulate.work import STEP, TIMES

CALLS = 20_000


async def measured() -> list[float]:
    """Seconds of the processor for each call over loopback, one after the other."""
    server = facade.Server("127.0.0.1:0")
    server.export(Echo, EchoImpl())
    took: list[float] = []
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=60.0) as client:
        echo = client.refer(Echo)
        await echo.echo(TEXT)
        for _ in range(CALLS):
            start = time.process_time()
            await echo.echo(TEXT)
            took.append(time.process_time() - start)
    return took


def histogram(took: list[float]) -> dict[int, int]:
    """By the logarithm of their milliseconds: how many."""
    return dict(sorted(Counter(floor(log(1000.0 * t, STEP)) for t in took).items()))


if __name__ == "__main__":
    buckets = histogram(asyncio.run(measured()))
    about = f"processor time of calls over loopback; bucket n: from {STEP}**n to {STEP}**(n+1) ms"
    TIMES.write_text(json.dumps({"about": about, "buckets": buckets}, indent=1) + "\n")
