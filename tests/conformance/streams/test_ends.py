"""Streams of values: a provider, a process or a loop that ends."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

import facade
from tests.conformance.streams.numbers import (
    Counter,
    Empty,
    Numbers,
    read,
)

# The end of it all


@pytest.mark.parametrize("wire", ["stream", "blocking", "injvm"], indirect=True)
async def test_provider_that_stops(wire):
    """A stream that does not end within the grace gets one clear error, after what came."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    never = asyncio.Event()

    async def words():
        yield "a"
        await never.wait()

    if wire.blocking:
        stream = await wire.do(numbers.upper, words())
        assert await wire.do(next, stream) == "A"
    else:
        stream = await numbers.upper(words())
        assert await anext(stream) == "A"
    await server.stop(0.05)
    with pytest.raises(facade.Unavailable, match="had not ended after"):
        await read(wire, lambda: stream)


@pytest.mark.parametrize("wire", ["stream"], indirect=True)
async def test_stop_waits_for_a_stream(wire):
    """One that ends within the grace ends as it would."""
    go_on = asyncio.Event()

    @facade.service("streams.Patient")
    class Patient:
        def values(self) -> AsyncIterator[int]: ...

    class PatientImpl(Patient):
        async def values(self):
            yield 1
            await go_on.wait()
            yield 2

    server = await wire.provide((Patient, PatientImpl()))
    stream = await wire.connect(server).refer(Patient).values()
    assert await anext(stream) == 1
    stopping = asyncio.create_task(server.stop(20))
    await asyncio.sleep(0)
    go_on.set()
    assert await anext(stream) == 2
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await stopping


EXIT = """
import threading, facade
from collections.abc import Iterator
@facade.service("exit.Ticker")
class Ticker:
    def tick(self) -> Iterator[int]: ...
    def total(self, numbers: Iterator[int]) -> int: ...
class TickerImpl(Ticker):
    async def tick(self):
        while True:
            yield 1
    async def total(self, numbers):
        async for number in numbers:
            pass
def serve():
    import asyncio
    async def run():
        async with facade.Server("127.0.0.1:0") as server:
            server.export(Ticker, TickerImpl())
            ports.put(server.port)
            await server.wait()
    asyncio.run(run())
import queue
ports = queue.Queue()
threading.Thread(target=serve, daemon=True).start()
client = facade.Client(f"127.0.0.1:{ports.get()}", timeout=20)
ticker = client.refer(Ticker)
stream = ticker.tick()
print(next(stream))
blocked = queue.Queue()
future = ticker.total.future(iter(blocked.get, None))
blocked.put(1)
"""


# An older grpcio says so where two loops of a process share its queue, and one finds it empty.
EMPTY_QUEUE = re.compile(
    r"Exception in callback PollerCompletionQueue\._handle_events.*?^BlockingIOError: [^\n]*\n",
    re.DOTALL | re.MULTILINE,
)


def test_interpreter_that_ends_with_an_open_stream():
    """It ends, at once and without a word."""
    ended = subprocess.run(  # our own program
        [sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, check=False
    )
    said = EMPTY_QUEUE.sub("", ended.stderr)
    assert (ended.stdout, said, ended.returncode) == ("1\n", "", 0)


# Within the process, between loops


async def test_two_loops_of_one_process():
    """A provider in one loop, and its caller in that of another thread."""
    counter = Counter()
    server = facade.Server("injvm:two-loops")
    server.export(Numbers, counter)

    def call():
        with facade.Client("injvm:two-loops", timeout=20) as client:
            numbers = client.refer(Numbers)
            with numbers.endless() as stream:
                first = [next(stream), next(stream)]
            words = list(numbers.upper(f"a{n}" for n in range(3000)))
            with pytest.raises(Empty):
                list(numbers.broken(2))
            return first, words[-1], numbers.total_plain(iter(range(3000)))

    async with server:
        assert await asyncio.to_thread(call) == ([0, 1], "A2999", sum(range(3000)))
        assert await asyncio.to_thread(counter.closed.wait, 20)
