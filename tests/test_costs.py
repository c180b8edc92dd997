"""What one call costs, in counts: they are the same on a busy machine, where times are not.

A lone typed call over the transport in memory runs a known number of Python functions, at both ends
together and by part, and keeps nothing. The bounds are what was counted, so that whoever adds a
function call to every call sees it here. Where that is worth it, or where a call has become
cheaper, renew them: ``python -m tests.test_costs`` prints what it counts now.
"""

import asyncio
import gc
import sys
from collections import Counter
from pathlib import Path

import pytest

import facade
from facade.consumer.engine import engine
from facade.testing import connected

ROOT = Path(facade.__file__).parent
CALLS = 50
TEXT = "x" * 64
ATTACHMENTS = {"trace-id": "4bf92f3577b34da6a3ce929d0e0e4736", "tenant": "costs"}

# Calls of functions of ours, per call: by the part of the package that they are in.
BOUNDS = {"codec": 4, "consumer": 6, "core": 11, "exchange": 46, "filters": 5, "provider": 3}
# The same of a blocking call, on the thread that makes it. (What the engine's thread does besides
# is what an asynchronous call does.)
BLOCKING = {"codec": 3, "consumer": 9, "core": 7, "exchange": 2, "filters": 1}


@facade.service("costs.Echo")
class Echo:
    async def echo(self, text: str) -> str: ...


class EchoImpl(Echo):
    async def echo(self, text):
        return text


class Counting:
    """Counts calls of Python functions of ours, in this thread, while it is on. A coroutine that
    goes on counts again: that costs too."""

    def __init__(self):
        self.parts = Counter()
        self.functions = Counter()

    def _seen(self, frame, event, argument):
        if event != "call":
            return
        path = Path(frame.f_code.co_filename)
        if path.stem == "memory":
            return  # in the place of gRPC
        if path.is_relative_to(ROOT) or path.is_relative_to(ROOT.parent / "filters"):
            part = path.parent.name if path.parent != ROOT else path.stem
            self.parts[part] += 1
            self.functions[f"{part}/{path.stem}:{frame.f_code.co_qualname}"] += 1

    def __enter__(self):
        gc.disable()  # what other tests have left may end with functions of ours
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)
        gc.enable()


async def count():
    """What ``CALLS`` lone calls count, one after the other, once all is warm."""
    async with connected((Echo, EchoImpl()), timeout=30.0) as client:
        echo = client.refer(Echo).echo.options(timeout=30.0, attachments=ATTACHMENTS)
        for _ in range(CALLS):
            await echo(TEXT)
        with Counting() as counting:
            for _ in range(CALLS):
                assert await echo(TEXT) == TEXT
    return counting


def count_blocking():
    """The same of a blocking client, to a real server: what its calling thread counts."""
    server = facade.Server("127.0.0.1:0")
    server.export(Echo, EchoImpl())
    engine().submit(server.start).result()
    try:
        with facade.Client(f"127.0.0.1:{server.port}", timeout=30.0) as client:
            echo = client.refer(Echo).echo.options(timeout=30.0, attachments=ATTACHMENTS)
            for _ in range(CALLS):
                echo(TEXT)
            with Counting() as counting:
                for _ in range(CALLS):
                    assert echo(TEXT) == TEXT
    finally:
        engine().submit(server.stop).result()
    return counting


async def kept(each=1):
    """Blocks of memory that 3,000 calls leave behind, and objects that wait for the collector.
    ``each``: how many at once, in a task each."""
    async with connected((Echo, EchoImpl()), timeout=30.0) as client:
        echo = client.refer(Echo).echo.options(timeout=30.0, attachments=ATTACHMENTS)

        async def call():
            await echo(TEXT)

        async def calls(number):
            for _ in range(number // each):
                if each == 1:
                    await call()
                else:
                    await asyncio.gather(*(call() for _ in range(each)))

        await calls(1000)
        gc.collect()
        gc.disable()
        try:
            before = sys.getallocatedblocks()
            await calls(3000)
            blocks = sys.getallocatedblocks() - before
            cycles = gc.collect()
        finally:
            gc.enable()
        return blocks, cycles


@pytest.mark.parametrize("part", BOUNDS)
async def test_a_call_runs_no_more_functions_than_it_did(part):
    """Each part of the package adds at most what it did to the functions that every call runs."""
    counted = await count()
    assert set(counted.parts) == set(BOUNDS), "a part of the package that calls did not touch"
    listed = [f"{n / CALLS:.2f} {name}" for name, n in counted.functions.items() if part in name]
    # A tenth is for what happens once in many calls.
    assert counted.parts[part] / CALLS <= BOUNDS[part] + 0.1, "\n".join(sorted(listed))


@pytest.mark.parametrize("part", BLOCKING)
def test_a_blocking_call_runs_no_more_functions_than_it_did(part):
    """On the thread that waits for it, too."""
    counted = count_blocking()
    assert set(counted.parts) == set(BLOCKING), "a part of the package that calls did not touch"
    listed = [f"{n / CALLS:.2f} {name}" for name, n in counted.functions.items() if part in name]
    assert counted.parts[part] / CALLS <= BLOCKING[part] + 0.1, "\n".join(sorted(listed))


@pytest.mark.parametrize("each", [1, 50])
async def test_a_call_keeps_nothing(each):
    """Thousands of calls leave fewer blocks of memory than half of one each, and no cycles for the
    collector to find: in one task, and in a task each."""
    blocks, cycles = await kept(each)
    assert blocks < 1500
    assert cycles < 100


if __name__ == "__main__":
    for counted in asyncio.run(count()), count_blocking():
        for name, times in counted.functions.most_common():
            print(f"{times / CALLS:6.2f} {name}")
        print({part: round(times / CALLS, 2) for part, times in sorted(counted.parts.items())})
    print("blocks kept, cycles:", asyncio.run(kept()), asyncio.run(kept(50)))
