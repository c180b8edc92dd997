"""Streams of values: who stops reading leaves nothing behind."""

import asyncio
import gc
import threading

import pytest

from tests.conformance.streams.numbers import (
    Counter,
    Numbers,
    generate,
    on_loop,
    settled,
    streamed,
)


@streamed
@pytest.mark.parametrize("name", ["endless", "endless_plain"])
async def test_leaving_closes_the_generator(wire, name):
    """Its ``finally`` runs, and nothing is left of the call."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    method = getattr(client.refer(Numbers), name)

    def leave():
        for value in method():
            if value == 3:
                break

    if wire.blocking:
        await wire.do(leave)
    else:
        async for value in method():
            if value == 3:
                break
    gc.collect()
    await settled(client)
    assert await asyncio.to_thread(counter.closed.wait, 20)


@streamed
async def test_closing(wire):
    """By hand, or by leaving a block: once is enough, and reading on is the end."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    if wire.blocking:

        def use():
            with numbers.endless() as stream:
                assert next(stream) == 0
            stream.close()
            return list(stream)

        assert await wire.do(use) == []
    else:
        async with numbers.endless() as stream:
            assert await anext(stream) == 0
        await stream.aclose()
        assert [value async for value in stream] == []
    await settled(client)
    assert await asyncio.to_thread(counter.closed.wait, 20)


@on_loop
async def test_cancelled_reader_may_come_back(wire):
    """Waiting for a value with a limit loses none."""
    numbers = await wire.refer(Numbers, Counter())
    said = asyncio.Queue()

    async def words():
        while True:
            yield await said.get()

    async with numbers.upper(words()) as answers:
        await answers
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(answers), 0)
        said.put_nowait("late")
        assert await anext(answers) == "LATE"


@on_loop
async def test_cancelled_caller(wire):
    """Who is cancelled while his argument is sent ends the call, and his generator."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    started, closed = asyncio.Event(), asyncio.Event()

    async def words():
        try:
            while True:
                yield 1
                started.set()
                await asyncio.sleep(0)
        finally:
            closed.set()

    call = asyncio.create_task(client.refer(Numbers).total(words()))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await closed.wait()
    await settled(client)


@on_loop
async def test_stream_that_nobody_awaits(wire):
    """It warns as a coroutine does, and nothing was sent."""
    numbers = await wire.refer(Numbers, Counter())
    stream = numbers.count(3)
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        del stream


@streamed
async def test_method_that_does_not_read(wire):
    """Its answer ends the call; the caller's generator is closed."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    closed = threading.Event()

    def words():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    assert await wire.call(numbers.ignored, generate(1)) == "ignored"
    assert await wire.call(numbers.first, words()) == 1
    assert await asyncio.to_thread(closed.wait, 20)
    await settled(client)
