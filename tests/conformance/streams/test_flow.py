"""Streams of values: who is slow holds up itself alone."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

import facade
from facade.exchange.items import WINDOW_ITEMS
from facade.exchange.threads import AHEAD
from tests.conformance.streams.numbers import (
    Counter,
    Numbers,
    generate,
    on_loop,
    read,
    streamed,
)


@streamed
@pytest.mark.parametrize("name", ["endless", "endless_plain"])
async def test_slow_reader_holds_up_nobody(wire, name):
    """What he does not read is not even asked for, beyond the window; others are answered."""
    counter = Counter()
    numbers = await wire.refer(Numbers, counter)
    method = getattr(numbers, name)
    if wire.blocking:
        stream = await wire.do(method)
        assert await wire.do(next, stream) == 0
    else:
        stream = await method()
        assert await anext(stream) == 0
    for n in range(50):
        assert await wire.call(numbers.plain, n) == n
    assert counter.asked <= 2 * WINDOW_ITEMS + AHEAD
    if wire.blocking:
        await wire.do(stream.close)
    else:
        await stream.aclose()


@streamed
async def test_slow_method_holds_up_nobody(wire):
    """A caller's generator is asked for no more than is read, and a window."""
    asked = []

    @facade.service("streams.Slow")
    class Slow:
        async def take(self, numbers: AsyncIterator[int]) -> int: ...
        async def plain(self) -> int: ...

    class Reader(Slow):
        def __init__(self):
            self.go_on = asyncio.Event()

        async def take(self, numbers):
            first = await anext(numbers)
            await self.go_on.wait()
            return first

        async def plain(self):
            return 1

    def numbers():
        while True:
            asked.append(1)
            yield 7

    reader = Reader()
    slow = await wire.refer(Slow, reader)
    call = wire.start(slow.take, numbers())
    for _ in range(50):
        assert await wire.call(slow.plain) == 1
    reader.go_on.set()
    assert await call == 7
    assert len(asked) <= WINDOW_ITEMS + 2 * AHEAD


@on_loop
async def test_plain_stream_under_way_is_not_refused(wire):
    """With every thread taken it waits for one to go on; a new call would be refused."""
    n = WINDOW_ITEMS * 4

    @facade.service("streams.Few")
    class Few:
        def count(self) -> Iterator[int]: ...
        def hold(self) -> None: ...

    class OneThread(Few):
        def __init__(self):
            self.held, self.released = threading.Event(), threading.Event()

        def count(self):
            yield from range(n)

        def hold(self):
            self.held.set()
            assert self.released.wait(20)

    few = OneThread()
    server = await wire.provide((Few, few), threads=1, queue=0)
    stub = wire.connect(server).refer(Few)
    stream = await stub.count()
    assert await anext(stream) == 0

    async def hold():
        while not few.held.is_set():  # until the stream is as far ahead as it may be
            try:
                await stub.hold()
            except facade.LimitExceeded:
                await asyncio.sleep(0.001)

    holding = asyncio.create_task(hold())
    await asyncio.to_thread(few.held.wait, 20)
    rest = asyncio.create_task(read(wire, lambda: stream))
    with pytest.raises(facade.LimitExceeded):
        await stub.hold()
    few.released.set()
    assert await rest == list(range(1, n))
    await holding


@on_loop
async def test_many_streams_at_once(wire):
    """A thousand on one connection, each with its own values."""
    numbers = await wire.refer(Numbers, Counter())

    async def one(n):
        return [value async for value in numbers.upper(generate(*(f"a{n}.{k}" for k in range(5))))]

    all_values = await asyncio.gather(*(one(n) for n in range(1000)))
    assert all_values == [[f"A{n}.{k}" for k in range(5)] for n in range(1000)]


@on_loop
async def test_taken_back_before_it_is_sent(wire):
    """A call that is cancelled while it waits to be written takes its credit with it."""
    numbers = await wire.refer(Numbers, Counter())
    for _ in range(20):
        calls = [asyncio.ensure_future(numbers.total(generate(1, 2))) for _ in range(10)]
        streams = [numbers.count.future(3) for _ in range(10)]
        await asyncio.sleep(0)
        for call in (*calls[::2], *streams[::2]):
            call.cancel()
        await asyncio.gather(*calls, *streams, return_exceptions=True)
    assert await numbers.plain(1) == 1
