"""Streams of values: who is slow holds up itself alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

import facade
from facade.exchange.items import WINDOW_ITEMS
from facade.exchange.threads import AHEAD
from tests.conformance.streams.numbers import (
    Counter,
    Numbers,
    generate,
    on_loop,
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
